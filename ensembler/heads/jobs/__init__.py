"""Heads as Keras layers, heads with a hidden layer, and losses."""
