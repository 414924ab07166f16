"""Corrections of the training data: photos that are not learned from, and other labels."""
