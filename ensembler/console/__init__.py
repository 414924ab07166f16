"""The display: progress and notes on standard error, tables on standard output."""

from .console_progress import ConsoleProgress
from .tables import print_table

__all__ = ["ConsoleProgress", "print_table"]
