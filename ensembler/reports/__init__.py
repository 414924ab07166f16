"""Draws pictures of scores."""
