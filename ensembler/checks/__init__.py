"""Doubts about the data: faulty photos, duplicates, leaks, train and test that differ, and likely wrong labels."""
