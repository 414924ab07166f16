"""Every answer that was made, every upload of it, and what Kaggle said."""
