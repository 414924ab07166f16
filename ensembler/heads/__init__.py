"""Heads on frozen features: linear heads and what fits them."""
