"""Words in, one workflow, words out. The only home of click; what is heavy is imported when a command runs."""

from .main import commands, main

__all__ = ["commands", "main"]
