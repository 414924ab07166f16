"""The command that lists what can be trained: ``backbones``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .context import Context
from .options import add_json_option, option, parse_member_names
from .showing import show_result


@click.command()
@click.argument("patterns", required=False, metavar="[PATTERN]", callback=parse_member_names)
@option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Look for weights here, not where Keras keeps its downloads.",
)
@option(
    "--sort",
    type=click.Choice(["registry", "size", "accuracy", "name"]),
    default="registry",
    show_default=True,
    help="Order of the list.",
)
@add_json_option
@click.pass_obj
def backbones(context: Context, /, *, as_json: bool, **options: Any) -> None:
    """List backbones, such as 'b?,mobilenet*': size, accuracy, weights.

    ImageNet is the top-1 accuracy that Keras documents. Weights are a file that is at hand; Keras downloads the others
    when they are needed.
    """
    from ..workflows.backbones import list_backbones

    listed = list_backbones(**options)
    show_result(listed, as_json=as_json)
    if not as_json and not any(one.weights for one in listed):
        context.progress.note("No weights are at hand: Keras downloads them when they are needed.")
