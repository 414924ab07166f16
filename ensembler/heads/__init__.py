"""Linear heads on frozen features, the solvers that fit them, and link functions."""
