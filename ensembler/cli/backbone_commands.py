"""The command that lists what can be trained: ``backbones``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from .context import Context
from .options import add_json_option, option, parse_member_names


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
    from ..workflows.backbones import build_backbone_table, list_backbones

    listed = list_backbones(**options)
    if as_json:
        click.echo(json.dumps([one.to_json() for one in listed], indent=2))
        return
    from ..console import print_table

    print_table(*build_backbone_table(listed), text_columns=["in Keras", "weights"])
    if not any(one.weights for one in listed):
        context.progress.note("No weights are at hand: Keras downloads them when they are needed.")
