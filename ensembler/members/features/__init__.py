"""Frozen features: the files that keep them."""
