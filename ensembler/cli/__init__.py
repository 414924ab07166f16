"""The command line: each command runs one workflow and prints its result. Heavy imports happen inside the command."""

from .main import commands, main

__all__ = ["commands", "main"]
