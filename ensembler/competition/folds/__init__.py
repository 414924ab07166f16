"""Folds: which photos are held out together, made once and shared by all members."""
