"""How a command ends that did not do what was asked."""

from __future__ import annotations

from typing import NoReturn

import click

EXIT_INTERRUPTED = 130


class CommandExit(SystemExit):
    """An end with a sentence, which was printed."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(code)
        self.sentence = sentence


def fail(text: str, code: int = 1) -> NoReturn:
    """Print a sentence on standard error and end with ``code``; 1 is that of our errors."""
    click.echo(f"Error: {text}" if code == 1 else text, err=True)
    raise CommandExit(code, text)


def describe_outcome(error: BaseException | None) -> tuple[int, str]:
    """Tell exit code and sentence of what ended a command: nothing, an exit, or a bug of ours."""
    if error is None:
        return 0, ""
    if not isinstance(error, SystemExit):
        return 1, f"{type(error).__name__}: {error}"
    code = error.code if isinstance(error.code, int) else int(error.code is not None)
    return code, error.sentence if isinstance(error, CommandExit) else ""
