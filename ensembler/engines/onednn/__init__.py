"""oneDNN: whether it helps on this machine, measured once."""
