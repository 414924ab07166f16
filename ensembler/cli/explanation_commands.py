"""The command ``explain``, which shows what a stack looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .context import Context
from .endings import fail
from .options import PATH, add_competition_option, add_json_option, option
from .training_options import EngineCommand


@click.command(cls=EngineCommand)
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@option("--stack", metavar="NAME|FILE", help="Finished stack, or a stack.keras. By default the newest stack.")
@option("--model", type=PATH, metavar="FILE", help="A stack.keras instead of a stack.")
@option("--member", metavar="NAME", help="Trained member instead of a stack.")
@option(
    "--class",
    "class_name",
    metavar="NAME",
    help="Class to explain, or true for each photo's label. By default the predicted class.",
)
@option("--members", is_flag=True, help="Draw a map for each member too.")
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("explanations"),
    metavar="FOLDER",
    help="Folder for the pictures. Earlier pictures there are replaced, other files never.",
)
@add_competition_option
@add_json_option
@click.pass_obj
def explain(context: Context, /, photos: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    """Show which parts of photos speak for a class.

    PHOTO is a file, a folder, or the id of a photo of the competition. A picture of each photo shows what the stack's
    networks look at, by class activation maps. A training photo is explained by the networks that never saw it. Photos
    that cannot be decoded are reported and left out, and the exit code is then 1.
    """
    from ..workflows.explain.explain import explain as run

    found = context.run(run, photos, **options)
    context.show(found, as_json=as_json)
    if found.unreadable:
        total = len(found.unreadable) + len(found.photos)
        fail(f"Left out {len(found.unreadable)} of {total} photos, which cannot be decoded: replace or remove them.")
