"""The job that fine-tunes folds: training loop, optimizer, callbacks and recovery from errors."""
