"""Maps of what Keras networks look at, by gradients."""
