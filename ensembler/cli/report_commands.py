"""The command ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
@option(
    "--explain/--no-explain",
    default=True,
    help="Compute what the networks look at in the photos with the largest losses, which takes most of the time.",
)
@option("--track", type=click.Choice(["mlflow"]), help="Store the page with the newest stack tracked in MLflow.")
@add_competition_option
@add_json_option
@click.pass_obj
def report(context: Context, /, *, as_json: bool, **options: Any) -> None:
    """Write a page that tells the state of a competition.

    The page is one HTML file without network access: scores, members, errors, photos, doubts about the data, and what
    is needed to repeat the work. --json prints all its figures.
    """
    from ..workflows.report.report import report as run

    context.show(context.run(run, **options), as_json=as_json)
