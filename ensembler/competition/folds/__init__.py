"""Folds, made once and stored in `folds.csv` for all members."""
