"""Members to one answer: the meta-learner, its nested evaluation, and the one-file Keras ensemble."""
