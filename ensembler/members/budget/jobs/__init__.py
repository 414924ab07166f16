"""Measures what training costs."""
