"""Trains members: resolves options, plans jobs, and runs them, within a time budget if there is one."""
