"""Exit codes and error sentences of commands."""

from __future__ import annotations

from typing import NoReturn

import click

# A call that does not fit, as click's own errors of usage.
EXIT_WRONG_CALL = 2
EXIT_INTERRUPTED = 130


class CommandExit(SystemExit):
    """Exit after a sentence was printed."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(code)
        self.sentence = sentence


def fail(text: str, code: int = 1) -> NoReturn:
    """Print a sentence on standard error and exit with ``code``."""
    click.echo(text if code == EXIT_INTERRUPTED else f"Error: {text}", err=True)
    raise CommandExit(code, text)


def describe_outcome(error: BaseException) -> tuple[int, str]:
    """Return the exit code of a command that ended with an exception, and its sentence."""
    if not isinstance(error, SystemExit):
        return 1, f"{type(error).__name__}: {error}"
    code = error.code if isinstance(error.code, int) else int(error.code is not None)
    return code, error.sentence if isinstance(error, CommandExit) else ""
