"""The command ``report``."""

from __future__ import annotations

from pathlib import Path

import click

from .context import Context
from .options import add_competition_option, add_json_option, option


@click.command()
@option("--open", "open_browser", is_flag=True, help="Open the page in the default browser.")
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.html",
    help="File to write. By default report.html in the competition's folder.",
)
@add_competition_option
@add_json_option
@click.pass_obj
def report(
    context: Context, /, competition: str | None, *, open_browser: bool, output: Path | None, as_json: bool
) -> None:
    """Write a page that tells the state of a competition.

    The page is one HTML file without network access: scores, members, errors, photos, doubts about the data, and what
    is needed to repeat the work. --json prints all its figures.
    """
    from ..workflows.report.report import report as run

    context.show(context.run(run, competition, output=output, open_browser=open_browser), as_json=as_json)
