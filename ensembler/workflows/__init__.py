"""What each command does, told in order; one module a stage. The same functions are the Python API."""
