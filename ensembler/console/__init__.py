"""The display: progress and notes on standard error, tables on standard output."""

from .console_progress import ConsoleProgress, make_default_progress
from .tables import print_table

__all__ = ["ConsoleProgress", "make_default_progress", "print_table"]
