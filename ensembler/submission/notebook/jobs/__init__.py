"""Predicts inside Kaggle's notebook."""
