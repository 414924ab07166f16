"""Kaggle's API: sign-in, downloads, submissions, retries and explained errors."""
