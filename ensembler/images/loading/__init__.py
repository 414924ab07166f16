"""Processes and threads that decode and augment photos into shared memory."""
