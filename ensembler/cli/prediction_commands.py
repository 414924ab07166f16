"""The command that predicts any photos: ``predict``."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import click

from .context import Context
from .endings import EXIT_INTERRUPTED, fail
from .options import add_competition_option, option


@click.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@option("--stack", metavar="NAME|FILE", help="A finished stack, or a stack.keras; the one built last by default.")
@option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write; standard output else.")
@option(
    "--batch-size", type=click.IntRange(1), default=32, show_default=True, help="Photos through the network at once."
)
@add_competition_option
@option("--json", "as_json", is_flag=True, help="Write JSON instead of a CSV.")
@click.pass_obj
def predict(
    context: Context, /, photos: tuple[Path, ...], *, output: Path | None, as_json: bool, **options: Any
) -> None:
    """Predict photos, files or whole folders, with a stack.

    The CSV has a row for each photo and a column for each class; of two classes, the one that the competition asks the
    probability of. A photo that cannot be decoded is told and left out, and the exit code is 1 then.
    """
    from ..storage import write_file_atomically
    from ..workflows.predict import predict as run

    try:
        # Opened first: a place that cannot be written to is told before the work, not after it.
        with contextlib.nullcontext() if output is None else write_file_atomically(output) as place:
            with context.progress:
                predictions = run(photos, **options, **context.common)
            # Names of files may hold bytes that are no letters.
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
