"""The job that computes a teacher's predictions, and heads that learn from them."""
