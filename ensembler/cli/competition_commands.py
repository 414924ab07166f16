"""Commands that create a competition, and show its layout: ``fetch``, ``adopt``, ``layout``."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from .context import Context
from .options import PATH, F, add_competition_option, add_json_option, add_timeout_option, option

if TYPE_CHECKING:
    from ..competition.layout.hints import Hints

_HINT_OPTIONS = (
    option("--positive", metavar="CLASS", help="Class whose probability a binary submission contains."),
    option(
        "--labels",
        metavar="FILE|names|folders",
        help="Table of labels, relative to the folder of the files, or the names of files or folders.",
    ),
    option("--image-column", metavar="COLUMN", help="Column of the names, paths or addresses of photos in that table."),
    option("--label-column", metavar="COLUMN", help="Column of the class in that table."),
    option("--group-column", metavar="COLUMN", help="Column of groups in that table, in place of --groups."),
    option("--sample", metavar="FILE", help="Sample submission, relative to the folder of the files."),
    option(
        "--placeholder", metavar="TEXT", help="Placeholder in the cells of the sample submission, which is no class."
    ),
    option("--incomplete-labels", is_flag=True, help="Leave out photos without a label in the table."),
    option("--incomplete-photos", is_flag=True, help="Leave out rows of that table without a photo."),
    option("--conflicting-labels", is_flag=True, help="Leave out photos with several labels in that table."),
    option("--groups", metavar="FILE:COLUMN|names|none", help="Groups of photos that stay in one fold."),
    option("--metric", metavar="NAME", help="Metric of the competition."),
    option("--like", metavar="SLUG", help="Use the metric and positive class of this known competition."),
    option("--leave-out", multiple=True, metavar="PATH", help="Folder or files to leave out; * is any characters."),
)
_UNPACK_LIMIT = option(
    "--unpack-limit",
    type=click.IntRange(min=0),
    metavar="GB",
    help="Limit of the unpacked size. 0 removes it. By default 50 GB or ten times the archive.",
)


def _add_hint_options(command: F) -> F:
    for add_option in _HINT_OPTIONS:
        command = add_option(command)
    return command


def _pop_hints(options: dict[str, Any]) -> Hints:
    from ..competition.layout.hints import Hints

    return Hints(**{field.name: options.pop(field.name) for field in fields(Hints) if field.name in options})


@click.command()
@click.argument("competition", metavar="SLUG|URL")
@option("--archive", former=["--from"], type=PATH, metavar="FILE.zip", help="Zip that the browser downloaded.")
@option("--force", is_flag=True, help="Download, unpack and detect the layout again.")
@_UNPACK_LIMIT
@add_timeout_option
@_add_hint_options
@click.pass_obj
def fetch(context: Context, /, **options: Any) -> None:
    """Download a competition, unpack it and detect its layout.

    An interrupted download resumes when the command is run again.
    """
    from ..workflows.fetch.fetch import fetch as run

    hints = _pop_hints(options)
    context.run(run, **options, hints=hints).build_table().write()


@click.command()
@click.argument("photos", type=PATH, metavar="FOLDER")
@option("--name", help="Name of the new competition. By default that of the folder.")
@option(
    "--task",
    type=click.Choice(["orientation"]),
    help="Learn the rotation of any upright photos: 0, 90, 180 or 270 degrees.",
)
@option("--test-size", type=float, default=0.2, help="Share of the photos that is held out for prediction.")
@option("--seed", type=int, default=0, help="Seed of that choice.")
@option("--force", is_flag=True, help="Replace the competition of that name.")
@_UNPACK_LIMIT
@_add_hint_options
@click.pass_obj
def adopt(context: Context, /, **options: Any) -> None:
    """Create a competition from a local folder of photos.

    Labels come from a subfolder per class or from a CSV. Archives inside are unpacked elsewhere. With --task
    orientation, the photos need no labels, and the name ends in -orientation by default.
    """
    from ..workflows.fetch.adopt import adopt as run

    hints = _pop_hints(options)
    context.run(run, **options, hints=hints).build_table().write()


@click.command()
@add_competition_option
@add_json_option
@click.pass_obj
def layout(context: Context, /, competition: str | None, *, as_json: bool) -> None:
    """Show the detected layout of a competition, and the evidence for it."""
    from ..workflows.layout import layout as run

    context.show(context.run(run, competition), as_json=as_json)
