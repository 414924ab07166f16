"""Context that all commands share."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..paths import Workspace
    from ..progress import Progress
    from ..tables import Shown

T = TypeVar("T")


class Context:
    """Workspace of a command, and its progress: the console, and an event file if one is given."""

    def __init__(
        self, data: Path, submissions: Path, *, quiet: bool, verbose: bool, events: Path | None = None
    ) -> None:
        from ..console import ConsoleProgress
        from ..paths import Workspace
        from ..progress import ProgressGroup

        self.workspace: Workspace = Workspace(data, submissions)
        self.console = ConsoleProgress(quiet=quiet, verbose=verbose)
        self.progress: Progress = self.console
        self._command = ""
        self._began = time.monotonic()
        if events:
            from ..event_file import EventFile

            self.progress = ProgressGroup([self.console, EventFile(events, on_error=self.console.warn)])

    def is_current(self, competition: str) -> bool:
        """Return whether commands use this competition by default."""
        return self.workspace.read_current_name() == competition

    def report_start(self, command: str) -> None:
        """Emit the event of the command's start."""
        from .. import __version__
        from ..events import CommandBegan

        self._command = command
        self.progress.emit(CommandBegan(command, __version__, os.getpid()))

    def report_end(self, code: int, sentence: str) -> None:
        """Emit the events of the command's end. ``sentence`` is the printed error, empty if there is none."""
        from ..events import CommandEnded, CommandFailed

        if sentence:
            self.progress.emit(CommandFailed(sentence))
        self.progress.emit(CommandEnded(self._command, code, round(time.monotonic() - self._began, 3)))

    def run(self, workflow: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Run a workflow in this workspace, with its progress displayed."""
        with self.progress:
            return workflow(*arguments, **options, workspace=self.workspace, progress=self.progress)

    def show(self, result: Shown, *, as_json: bool) -> None:
        """Print a result on standard output: as JSON, or as a table with sentences."""
        if as_json:
            click.echo(json.dumps(result.to_json(), indent=2))
        else:
            result.build_table().write()
