"""Orientation tasks: folders of upright photos, each of which is learned from in four rotations."""
