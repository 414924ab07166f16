"""Trained members: their records, predictions, scores and speeds, and the description of a training job."""
