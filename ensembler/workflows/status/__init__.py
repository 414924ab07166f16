"""Tells where a competition stands, and what to do next."""
