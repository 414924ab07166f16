"""The command ``export``, which writes files for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .context import Context
from .endings import fail
from .options import add_competition_option, add_json_option, option, parse_member_names


@click.command()
@option("--stack", metavar="NAME", help="Finished stack. By default the newest one.")
@option("--member", metavar="NAME", help="Member to export instead of a stack, as the mean over its folds.")
@option(
    "--format",
    "formats",
    callback=parse_member_names,
    default="onnx",
    metavar="A,B",
    help="Formats: savedmodel, onnx, litert, openvino, or all.",
)
@option(
    "--quantize",
    callback=parse_member_names,
    default="none",
    metavar="A,B",
    help="Quantisations of each format: none, fp16 (weights of 16 bits), int8 (weights and arithmetic), or all.",
)
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Folder for the files.",
)
@option("--refit", is_flag=True, help="Export the member's network trained on all photos.")
@option("--single-photo", is_flag=True, help="Fix the batch to one photo.")
@option(
    "--tolerance",
    type=click.FloatRange(0),
    metavar="DIFFERENCE",
    help="Largest difference of a probability, by default 0.0001; with --quantize largest increase of the log loss, "
    "by default 0.001 for fp16 and 0.01 for int8.",
)
@option("--photos", type=click.IntRange(1), default=128, help="Training and test photos to compare, of each.")
@add_competition_option
@add_json_option
@click.pass_obj
def export(context: Context, /, *, as_json: bool, **options: Any) -> None:
    """Export a stack or a member for other runtimes.

    Each file contains preprocessing and meta-learner. It is run by its own runtime, in a process without TensorFlow, on
    photos of the competition, and written only if it predicts what Keras does. If some files are refused, the exit code
    is 1.
    """
    from ..workflows.export import export as run

    result = context.run(run, **options)
    context.show(result, as_json=as_json)
    if result.refused:
        fail(f"{len(result.refused)} of {len(result.files)} files were refused; the reasons are above.")
