"""Detection of a competition's labels, classes, groups and photos from its files."""
