"""Times a network with and without oneDNN."""
