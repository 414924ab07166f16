"""Likely wrong labels, odd photos, and photos that look turned, found by out-of-fold predictions."""
