"""Backbones: their registry, names, weights and published accuracy."""
