"""Submissions: the CSV and its checks."""
