"""Decodes photos to batches of pixels, scans them for problems and near-duplicates, and caches them."""
