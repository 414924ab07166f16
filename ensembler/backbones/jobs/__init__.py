"""Backbones as Keras networks."""
