"""Execution of jobs, each in its own process, on this machine or on a cluster."""
