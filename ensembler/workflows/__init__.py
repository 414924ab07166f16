"""What each command does, step by step. The same functions are the Python API."""
