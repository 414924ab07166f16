"""Open a competition that was brought in."""

from __future__ import annotations

from ..competition.manifest import Manifest
from ..competition.tables import Tables, are_tables_current, load_tables
from ..errors import Mismatch
from ..paths import CompetitionFolder, Workspace


def open_competition(name: str | None, workspace: Workspace) -> tuple[CompetitionFolder, Tables]:
    """Open a competition that was brought in; nothing is written, and no photo is read.

    Raises
    ------
    BadChoice
        If there is no such competition.
    Mismatch
        If a person edited the manifest, so that the tables belong to another one; see
        :func:`.fetch.tables.open_refreshed_competition`.
    """
    folder = workspace.current(name)
    if not are_tables_current(folder, Manifest.load(folder.manifest)):
        raise Mismatch(
            f"{folder.manifest} was edited after the tables of photos were made: `ensembler folds` makes them anew, "
            "and so do `ensembler survey` and `ensembler train-members`."
        )
    return folder, load_tables(folder)
