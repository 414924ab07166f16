"""What all commands share."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..paths import Workspace
    from ..progress import Progress


class Context:
    """The folders, and where progress goes: to the console, and to an event file if one is named."""

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

    def report_start(self, command: str) -> None:
        """Report that a command begins."""
        from .. import __version__
        from ..events import CommandBegan

        self._command = command
        self.progress.emit(CommandBegan(command, __version__, os.getpid()))

    def report_end(self, code: int, sentence: str) -> None:
        """Report how the command ended: its exit code, and the sentence that was printed if it failed."""
        from ..events import CommandEnded, CommandFailed

        if sentence:
            self.progress.emit(CommandFailed(sentence))
        self.progress.emit(CommandEnded(self._command, code, round(time.monotonic() - self._began, 3)))

    @property
    def common(self) -> dict[str, Any]:
        """Arguments that every workflow takes."""
        return {"workspace": self.workspace, "progress": self.progress}
