"""Writes and checks the CSV."""
