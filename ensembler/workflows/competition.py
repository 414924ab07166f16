"""Opens a fetched or adopted competition."""

from __future__ import annotations

from ..competition.manifest import Manifest, are_tables_current, describe_stale_tables
from ..competition.tables import Tables, load_tables
from ..errors import Mismatch
from ..paths import CompetitionFolder, CompetitionLike, Workspace


def open_competition(competition: CompetitionLike | None, workspace: Workspace) -> tuple[CompetitionFolder, Tables]:
    """Open a fetched or adopted competition. Nothing is written, and no photo is read.

    Raises
    ------
    BadChoice
        If there is no such competition.
    Mismatch
        If its tables are missing, or the manifest was edited since they were built. See
        :func:`.fetch.tables.open_refreshed_competition`, which rebuilds them.
    """
    folder = workspace.current(competition)
    if not are_tables_current(folder, Manifest.load(folder.manifest)):
        raise Mismatch(
            f"{describe_stale_tables(folder)}: run `ensembler folds`, `ensembler survey` or `ensembler train-members`, "
            "which rebuild them."
        )
    return folder, load_tables(folder)
