"""The job that fine-tunes folds: the training loop, its optimizer, callbacks and recovery from errors."""
