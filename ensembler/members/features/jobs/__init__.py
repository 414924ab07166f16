"""Computation of frozen features."""
