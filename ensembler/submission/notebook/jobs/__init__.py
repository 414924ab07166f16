"""Prediction inside a notebook on Kaggle."""
