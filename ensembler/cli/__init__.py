"""Parses the command line, runs one workflow, and prints its result. What is heavy is imported when a command runs."""

from .main import commands, main

__all__ = ["commands", "main"]
