"""Heads that learn from pseudo-labels."""
