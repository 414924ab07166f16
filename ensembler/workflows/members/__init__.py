"""Lists and removes trained members."""
