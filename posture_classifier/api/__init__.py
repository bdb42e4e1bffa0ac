"""The commands as functions, for Python code and notebooks: they leave the process as it was."""
