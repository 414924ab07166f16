"""Kinds of files, by name and first bytes, and comparison of a few sample pictures."""
