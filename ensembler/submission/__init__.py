"""From an answer to Kaggle: the CSV, its checks, and the way there and back."""
