"""Answers code competitions by a notebook that needs no internet, with all it needs in a private dataset."""
