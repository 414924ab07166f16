"""Execution of jobs as tasks of a Ray cluster."""
