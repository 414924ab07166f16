"""Kinds of files, by suffix and first bytes."""
