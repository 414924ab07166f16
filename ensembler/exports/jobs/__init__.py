"""Converts networks to the formats of other runtimes, and runs the files there."""
