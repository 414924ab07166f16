"""Sets of photos: those to learn from and to predict, folders of classes, and what is no photo of the task."""
