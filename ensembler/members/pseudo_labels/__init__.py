"""Pseudo-labels: where a fold learns them from, and the files that keep them."""
