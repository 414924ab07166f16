"""Files of frozen features."""
