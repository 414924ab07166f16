"""Computing frozen features."""
