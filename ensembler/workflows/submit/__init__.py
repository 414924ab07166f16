"""From a CSV or a notebook to a score, hidden or on Kaggle."""
