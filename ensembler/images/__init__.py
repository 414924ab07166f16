"""Photos to batches of pixels, and looking each photo through once."""
