"""Fits heads on pseudo-labels."""
