"""Measures once whether oneDNN helps on this machine."""
