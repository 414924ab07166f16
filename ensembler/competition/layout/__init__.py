"""Finds out from the files what a competition asks for."""
