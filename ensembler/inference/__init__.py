"""Prediction with networks: the choice of a runtime, and the measurement of speed."""
