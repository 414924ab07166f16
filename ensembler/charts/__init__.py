"""Charts of scores, drawn by matplotlib."""
