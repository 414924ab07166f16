"""Fits, calibrates and evaluates the meta-learner by nested folds."""
