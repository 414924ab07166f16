"""Unpacking what was downloaded, of every kind, within limits."""
