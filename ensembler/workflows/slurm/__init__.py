"""Batch scripts for clusters that SLURM manages."""
