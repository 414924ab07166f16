"""The stack as one Keras file: built, loaded, and asked to predict."""
