"""Submission of CSVs and notebooks, their scores, and the list of submissions."""
