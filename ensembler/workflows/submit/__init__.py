"""Submits a CSV or a notebook, scores it, and lists submissions."""
