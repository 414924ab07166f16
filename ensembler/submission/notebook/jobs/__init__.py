"""What runs in Kaggle's notebook."""
