"""The registry of backbones, with their names, weights and published accuracy."""
