"""Unpacking of downloads in all formats, within limits."""
