"""Names in SavedModels, which their readers need without TensorFlow."""

# Signature of Keras's SavedModels, which LiteRT's files inherit.
SIGNATURE = "serving_default"
# Folder in which TensorFlow keeps files that it does not read.
EXTRA_FOLDER = "assets.extra"
