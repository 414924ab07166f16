"""Metrics, their standard errors, and the labels that maximise them."""
