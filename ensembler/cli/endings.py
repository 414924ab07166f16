"""How a command ends that did not do what was asked."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

INTERRUPTED = 130


def fail(text: str, code: int = 1) -> NoReturn:
    """Print a sentence on standard error and end with ``code``; 1 is that of our errors."""
    click.echo(f"Error: {text}" if code == 1 else text, err=True)
    sys.exit(code)
