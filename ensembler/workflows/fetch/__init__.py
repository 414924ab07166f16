"""Creation of a competition from Kaggle, an archive, or a local folder."""
