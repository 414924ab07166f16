"""Open a competition that was brought in."""

from __future__ import annotations

from ..competition.manifest import Manifest, are_tables_current, describe_stale_tables
from ..competition.tables import Tables, load_tables
from ..errors import Mismatch
from ..paths import CompetitionFolder, CompetitionLike, Workspace


def open_competition(competition: CompetitionLike | None, workspace: Workspace) -> tuple[CompetitionFolder, Tables]:
    """Open a competition that was brought in; nothing is written, and no photo is read.

    Raises
    ------
    BadChoice
        If there is no such competition.
    Mismatch
        If its tables are not those of the manifest, since it was edited, or are not there; see
        :func:`.fetch.tables.open_refreshed_competition`.
    """
    folder = workspace.current(competition)
    if not are_tables_current(folder, Manifest.load(folder.manifest)):
        raise Mismatch(
            f"{describe_stale_tables(folder)}: `ensembler folds` makes them anew, and so do `ensembler survey` and "
            "`ensembler train-members`."
        )
    return folder, load_tables(folder)
