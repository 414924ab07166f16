"""Builds backbones as Keras networks."""
