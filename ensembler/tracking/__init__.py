"""Tracking of trainings by MLflow: members, folds and stacks as nested runs, made of events."""
