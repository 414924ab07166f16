"""Brings in a competition from Kaggle, from an archive, or from a local folder."""
