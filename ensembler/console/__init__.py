"""The display of progress, notes and warnings on standard error."""

from .console_progress import ConsoleProgress, make_default_progress

__all__ = ["ConsoleProgress", "make_default_progress"]
