"""The command ``predict``, which predicts any photos and turns them upright."""

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
@option(
    "--turn",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="OUT",
    help="Write the photos turned upright into this folder, by a stack of an orientation task.",
)
@option("--exif", is_flag=True, help="Turn JPEGs by their EXIF tag alone, without loss.")
@option(
    "--confidence",
    type=click.FloatRange(0, 1),
    metavar="PROBABILITY",
    help="Least probability at which --turn turns a photo. By default 0.5.",
)
@option("--batch-size", type=click.IntRange(1), default=32, help="Photos per batch.")
@add_competition_option
@option("--json", "as_json", is_flag=True, help="Write JSON instead of a CSV.")
@click.pass_obj
def predict(
    context: Context,
    /,
    photos: tuple[Path, ...],
    *,
    model: Path | None,
    output: Path | None,
    turn: Path | None,
    exif: bool,
    confidence: float | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Predict photos with a stack or an exported file.

    PHOTOS are files and folders. The CSV has a row for each photo and a column for each class. A binary task has one
    column, the class whose probability the competition asks for. Photos that cannot be decoded are reported and left
    out, and the exit code is then 1.

    With --turn, OUT receives the photos turned upright, and orientation.csv with the angle and confidence of each.
    """
    if turn is not None:
        if output is not None:
            raise click.UsageError("--turn writes its CSV to OUT/orientation.csv: leave out --output.")
        if model is not None:
            raise click.UsageError("--turn needs a stack: name it with --stack, and leave out --model.")
        _turn_photos(context, photos, turn, exif=exif, confidence=confidence, as_json=as_json, **options)
        return
    if exif or confidence is not None:
        raise click.UsageError("--exif and --confidence belong to --turn OUT: add it, or leave them out.")
    from ..storage import write_file_atomically
    from ..workflows.predict import predict as run

    try:
        # The file is opened first, so that a folder that cannot be written to is reported before the work.
        with contextlib.nullcontext() if output is None else write_file_atomically(output) as place:
            predictions = context.run(run, photos, model=model, **options)
            # File names may contain bytes that are not valid UTF-8.
            text = json.dumps(predictions.to_json(), indent=2) + "\n" if as_json else predictions.to_csv()
            content = text.encode("utf-8", "surrogateescape")
            if place is None:
                click.echo(content, nl=False)
            else:
                place.write_bytes(content)
    except KeyboardInterrupt:
        fail("Interrupted; nothing was written.", EXIT_INTERRUPTED)
    _report_unreadable(len(predictions.unreadable), len(predictions.photos))


def _turn_photos(
    context: Context, photos: tuple[Path, ...], turn: Path, *, confidence: float | None, as_json: bool, **options: Any
) -> None:
    from ..workflows.turn import turn_photos as run

    if confidence is not None:
        options["confidence"] = confidence
    try:
        turned = context.run(run, photos, turn, **options)
    except KeyboardInterrupt:
        fail(f"Interrupted; the same call continues in {turn}.", EXIT_INTERRUPTED)
    context.show(turned, as_json=as_json)
    _report_unreadable(len(turned.unreadable), len(turned.photos))


def _report_unreadable(unreadable: int, decoded: int) -> None:
    """End with an error if photos could not be decoded."""
    if unreadable:
        fail(
            f"Left out {unreadable} of {unreadable + decoded} photos, which cannot be decoded: replace or remove them."
        )
