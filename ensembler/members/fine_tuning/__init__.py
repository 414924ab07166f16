"""Fine-tuning in phases: checkpoints, history, the validation split, and epochs within a time budget."""
