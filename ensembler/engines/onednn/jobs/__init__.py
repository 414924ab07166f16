"""The job that times a network with and without oneDNN."""
