"""Builds, loads and runs the stack as one Keras file."""
