"""Many backbones looked at on the same photos, to find out which are worth training."""
