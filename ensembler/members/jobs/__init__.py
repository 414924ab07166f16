"""The job of frozen members, which fits their heads; measures speed; writes for TensorBoard."""
