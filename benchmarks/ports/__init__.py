"""The workloads in the words of other libraries, where the plain NumPy program does not run there or is not what one would write."""
