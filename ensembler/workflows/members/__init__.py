"""List and remove trained members."""
