"""The command that lists what can be trained: ``backbones``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from .context import Context
from .options import json_option, member_names, option


@click.command()
@click.argument("patterns", required=False, metavar="[PATTERN]", callback=member_names)
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
@json_option
@click.pass_obj
def backbones(context: Context, /, *, as_json: bool, **options: Any) -> None:
    """List backbones, such as 'b?,mobilenet*': size, accuracy, weights.

    ImageNet is the top-1 accuracy that Keras documents. Weights are a file that is at hand; Keras downloads the others
    when they are needed.
    """
    from ..workflows.backbones import backbone_table, list_backbones

    found = list_backbones(**options)
    if as_json:
        click.echo(json.dumps([one.fields() for one in found], indent=2))
        return
    from ..console import print_table

    print_table(*backbone_table(found), words=["in Keras", "weights"])
    if not any(one.weights for one in found):
        context.progress.note("No weights are at hand: Keras downloads them when they are needed.")
