"""One backbone over all folds: the registry, the network, frozen features, heads and fine-tuning."""
