"""The job that fine-tunes a fold, and what only it needs."""
