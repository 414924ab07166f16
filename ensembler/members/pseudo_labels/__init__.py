"""Pseudo-labels: selection of the photos that a fold learns from, and the files of their labels."""
