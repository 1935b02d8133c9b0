"""Generated backward passes beside those by hand and those of other libraries: `python -m benchmarks --help`."""
