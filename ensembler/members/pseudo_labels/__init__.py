"""Pseudo-labels: which photos a fold learns from, and the files that keep their labels."""
