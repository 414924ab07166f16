"""Training within a time budget: its estimated seconds, and what is cut."""
