"""Decoding, caching and augmentation of photos, and the search for near-duplicates."""
