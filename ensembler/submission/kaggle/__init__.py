"""Between us and Kaggle: signing in, asking within limits of time, and errors that say what to do."""
