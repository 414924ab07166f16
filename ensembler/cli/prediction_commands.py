"""The command ``predict``, which predicts any photos."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import click

from .context import Context
from .endings import EXIT_INTERRUPTED, fail
from .options import PATH, add_competition_option, option
from .training_options import EngineCommand


@click.command(cls=EngineCommand)
@click.argument("photos", nargs=-1, required=True, type=PATH)
@option("--stack", metavar="NAME|FILE", help="Finished stack, or a stack.keras. By default the newest stack.")
@option("--model", type=PATH, metavar="FILE", help="File of `ensembler export` instead of a stack, run by its runtime.")
@option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write. By default standard output."
)
@option("--batch-size", type=click.IntRange(1), default=32, help="Photos per batch.")
@add_competition_option
@option("--json", "as_json", is_flag=True, help="Write JSON instead of a CSV.")
@click.pass_obj
def predict(
    context: Context, /, photos: tuple[Path, ...], *, output: Path | None, as_json: bool, **options: Any
) -> None:
    """Predict photos with a stack or an exported file.

    PHOTOS are files and folders. The CSV has a row for each photo and a column for each class. A binary task has one
    column, the class whose probability the competition asks for. Photos that cannot be decoded are reported and left
    out, and the exit code is then 1.
    """
    from ..storage import write_file_atomically
    from ..workflows.predict import predict as run

    try:
        # The file is opened first, so that a folder that cannot be written to is reported before the work.
        with contextlib.nullcontext() if output is None else write_file_atomically(output) as place:
            predictions = context.run(run, photos, **options)
            # File names may contain bytes that are not valid UTF-8.
            text = json.dumps(predictions.to_json(), indent=2) + "\n" if as_json else predictions.to_csv()
            content = text.encode("utf-8", "surrogateescape")
            if place is None:
                click.echo(content, nl=False)
            else:
                place.write_bytes(content)
    except KeyboardInterrupt:
        fail("Interrupted; nothing was written.", EXIT_INTERRUPTED)
    if predictions.unreadable:
        total = len(predictions.photos) + len(predictions.unreadable)
        fail(
            f"Left out {len(predictions.unreadable)} of {total} photos, which cannot be decoded: "
            "replace or remove them."
        )
