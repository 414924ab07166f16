"""The stage ``report``: one HTML file that tells the state of a competition."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import BadChoice
from ...options.arguments import check_arguments
from ...options.declared import Track
from ...paths import DEFAULT_WORKSPACE, CompetitionLike, PathLike, Workspace, WorkspaceLike
from ...progress import SILENT, Progress
from ...reports.charts_shown import draw_charts
from ...reports.facts import ReportFacts
from ...reports.page import render_page
from ...storage import write_text
from ...tables import Shown, Table
from ...tracking.tracker import check_tracking, prepare_attachment
from .gather import gather_report
from .sources import read_sources
from .troubles import Troubles

_SUFFIXES = {".html", ".htm"}


@dataclass(frozen=True, repr=False)
class ReportResult(Shown):
    """A written report.

    Attributes
    ----------
    path
        The page.
    total_bytes
        Its size.
    facts
        All figures of the page.
    """

    path: Path
    total_bytes: int
    facts: ReportFacts

    def build_table(self) -> Table:
        """Return sentences about the file and what it lacks."""
        size = f"{self.total_bytes / 1e6:.2f} MB"
        lines = [f"report         {self.path} ({size})"]
        if self.facts.troubles:
            lines.append(f"{len(self.facts.troubles)} record(s) could not be used; the page names them.")
        return Table(notes=lines)

    def to_json(self) -> dict[str, Any]:
        """Return the facts, the path and the size as plain data for JSON."""
        return {"path": str(self.path), "bytes": self.total_bytes, **self.facts.to_json()}


@check_arguments
def report(
    competition: CompetitionLike | None = None,
    *,
    output: PathLike | None = None,
    open_browser: bool = False,
    explain: bool = True,
    track: Track | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> ReportResult:
    """Write a page that tells the state of a competition: scores, members, errors, photos, data, and how to repeat it.

    The page is one HTML file that loads nothing from the network. A section that lacks something says which command
    makes it, and a damaged record is named. Nothing else is written.

    Parameters
    ----------
    competition
        Name of the competition. None selects the one last fetched or adopted.
    output
        File to write. None is ``report.html`` in the competition's folder.
    open_browser
        Whether to open the page in the default browser.
    explain
        Whether to compute what the networks look at in the photos with the largest losses: most of the time.
    track
        ``mlflow`` stores the page with the newest tracked stack, or member if there is none; see docs/tracking.md.

    Raises
    ------
    BadChoice
        If the competition does not exist, the file's suffix is not ``.html``, or MLflow's store cannot be opened.
    BadData
        If the manifest is damaged.

    Examples
    --------
    >>> result = ensembler.report("pets", explain=False)
    >>> result.path.name, result.facts.answer.shown
    ('report.html', 'first')
    """
    check_tracking(track)
    folder = Workspace.read(workspace).current(competition)
    path = folder.report if output is None else Path(output)
    if path.suffix.lower() not in _SUFFIXES or path.is_dir():
        raise BadChoice(f"--output must be a file that ends in .html. Received: {path}")
    attach = prepare_attachment(track, folder, progress)
    sources = read_sources(folder, Troubles(progress))
    gathered = gather_report(sources, explain=explain)
    page = render_page(
        gathered.facts,
        draw_charts(gathered.facts, progress),
        gathered.pictures,
        exclusive=sources.manifest.task != "multilabel",
        rotated=sources.manifest.is_orientation,
    )
    write_text(path, page)
    attach(path)
    if open_browser:
        _open_page(path, progress)
    return ReportResult(path.absolute(), path.stat().st_size, gathered.facts)


def _open_page(path: Path, progress: Progress) -> None:
    try:
        opened = webbrowser.open(path.absolute().as_uri())
    except webbrowser.Error:
        opened = False
    if not opened:
        progress.warn(f"No browser was found: open {path.absolute()} yourself.")
