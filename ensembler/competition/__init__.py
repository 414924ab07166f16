"""What is asked: the manifest, the layout found in a folder, the tables, the folds, the metric, the demo."""
