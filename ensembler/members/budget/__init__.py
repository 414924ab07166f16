"""Fits training into a time budget: what it costs, and what is cut."""
