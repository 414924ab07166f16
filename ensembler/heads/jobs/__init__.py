"""Heads as Keras layers, and their losses."""
