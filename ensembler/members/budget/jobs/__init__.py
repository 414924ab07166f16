"""Measurement of the speed of training."""
