"""Makes folds once and keeps them in `folds.csv`, shared by all members."""
