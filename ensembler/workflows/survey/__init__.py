"""Compare backbones, and say which are worth training."""
