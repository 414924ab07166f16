"""Commands that bring a competition in: ``fetch``, ``adopt``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .context import Context
from .options import F, add_timeout_option, option

if TYPE_CHECKING:
    from ..competition.layout.layout import Hints


def _add_hint_options(command: F) -> F:
    for added in (
        option("--positive", metavar="CLASS", help="Class that a binary answer is the probability of."),
        option("--labels", metavar="FILE", help="Table of labels, relative to the competition's files."),
        option("--label-column", metavar="COLUMN", help="Column of that table with the class."),
        option("--sample", metavar="FILE", help="Sample submission, relative to the competition's files."),
        option("--incomplete-labels", is_flag=True, help="Leave out photos that the table does not label."),
        option("--groups", metavar="FILE:COLUMN|names|none", help="Photos that folds must keep together."),
        option("--metric", metavar="NAME", help="What the competition is judged by."),
    ):
        command = added(command)
    return command


def _build_hints(options: dict[str, Any]) -> Hints:
    from ..competition.layout.layout import Hints

    return Hints(**options)


@click.command()
@click.argument("competition", metavar="SLUG|URL")
@option(
    "--archive",
    former=["--from"],
    type=click.Path(path_type=Path),
    metavar="FILE.zip",
    help="A zip downloaded by the browser.",
)
@option("--force", is_flag=True, help="Download, unpack and find out anew.")
@option(
    "--unpack-limit",
    type=click.IntRange(min=0),
    metavar="GB",
    help="Unpack no more than that, 0 for no limit; by default 50 GB or ten times the archive.",
)
@add_timeout_option
@_add_hint_options
@click.pass_obj
def fetch(
    context: Context,
    /,
    competition: str,
    archive: Path | None,
    *,
    force: bool,
    unpack_limit: int | None,
    timeout: int,
    **hints: Any,
) -> None:
    """Download a competition, unpack it and find out its layout; it goes on where it was interrupted."""
    from ..workflows.fetch.fetch import fetch as run

    with context.progress:
        fetched = run(
            competition,
            archive=archive,
            hints=_build_hints(hints),
            force=force,
            unpack_limit=unpack_limit,
            timeout=timeout,
            **context.common,
        )
    fetched.build_table().write()


@click.command()
@click.argument("photos", type=click.Path(path_type=Path), metavar="FOLDER")
@option("--name", required=True, help="What to call the competition.")
@option("--test-size", type=float, default=0.2, show_default=True, help="Share of the photos to predict.")
@option("--seed", type=int, default=0, show_default=True, help="Chooses them.")
@option("--force", is_flag=True, help="Begin anew with a name that is in use.")
@_add_hint_options
@click.pass_obj
def adopt(
    context: Context, /, photos: Path, name: str, test_size: float, seed: int, *, force: bool, **hints: Any
) -> None:
    """Make a competition of a local folder: a class per subfolder, or photos and a CSV."""
    from ..workflows.fetch.adopt import adopt as run

    with context.progress:
        fetched = run(
            photos, name, test_size=test_size, seed=seed, force=force, hints=_build_hints(hints), **context.common
        )
    fetched.build_table().write()
