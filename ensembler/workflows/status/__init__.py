"""State of a competition, and the next step."""
