"""List and removal of trained members."""
