"""Exports stacks and members for runtimes that need neither this package nor Keras."""
