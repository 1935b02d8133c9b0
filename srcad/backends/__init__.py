"""Backends: what runs a generated function in place of NumPy. Text to text: the module that the pipeline made goes in."""
