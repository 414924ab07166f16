"""Where a competition stands, and what to do next."""
