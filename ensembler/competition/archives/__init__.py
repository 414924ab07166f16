"""Unpacks downloads of every kind within limits."""
