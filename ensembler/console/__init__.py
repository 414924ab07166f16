"""The display: progress and notes on standard error."""

from .console_progress import ConsoleProgress, make_default_progress

__all__ = ["ConsoleProgress", "make_default_progress"]
