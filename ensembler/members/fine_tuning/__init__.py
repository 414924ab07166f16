"""Fine-tuning: from a pretrained backbone with a fitted head to a network trained in phases."""
