"""Records every answer, every upload of it, and its scores."""
