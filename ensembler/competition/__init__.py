"""A competition on disk: its manifest, sample submission, tables of photos, and the embedded demo."""
