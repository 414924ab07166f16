"""Fitting of heads on pseudo-labels."""
