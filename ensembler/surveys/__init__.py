"""Surveys: many backbones compared on the same photos, to find out which are worth training."""
