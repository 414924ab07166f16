"""How networks predict, and how fast."""
