"""Results as tables, sentences and CSV, for people to read."""
