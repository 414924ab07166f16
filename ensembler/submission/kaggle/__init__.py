"""Talks to Kaggle: signs in, downloads, submits, retries, and explains errors."""
