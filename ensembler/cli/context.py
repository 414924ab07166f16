"""What all commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..console import ConsoleProgress
    from ..storage import Workspace


class Context:
    """The folders, and where progress goes."""

    def __init__(self, data: Path, submissions: Path, *, quiet: bool) -> None:
        from ..console import ConsoleProgress
        from ..storage import Workspace

        self.workspace: Workspace = Workspace(data, submissions)
        self.progress: ConsoleProgress = ConsoleProgress(quiet=quiet)

    @property
    def common(self) -> dict[str, Any]:
        """Arguments that every workflow takes."""
        return {"workspace": self.workspace, "progress": self.progress}
