"""The job of frozen members, which fits their heads; the measurement of speed; and logs for TensorBoard."""
