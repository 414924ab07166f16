"""Compares backbones, and says which are worth training."""
