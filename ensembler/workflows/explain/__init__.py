"""Explanations of predictions: which parts of a photo speak for a class."""
