"""Files of frozen features, complete and partial."""
