"""Compares many backbones on the same photos by successive halving."""
