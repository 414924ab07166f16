"""Computes frozen features."""
