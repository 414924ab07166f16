"""The command ``backbones``, which lists available backbones."""

from __future__ import annotations

from typing import Any

import click

from .context import Context
from .options import PATH, add_json_option, option, parse_member_names


@click.command()
@click.argument("patterns", required=False, metavar="[PATTERN]", callback=parse_member_names)
@option("--weights", type=PATH, metavar="FOLDER", help="Folder of weights. By default the folder of Keras's downloads.")
@option(
    "--sort",
    type=click.Choice(["registry", "size", "accuracy", "name"]),
    default="registry",
    help="Order of the list.",
)
@add_json_option
@click.pass_obj
def backbones(context: Context, /, *, as_json: bool, **options: Any) -> None:
    """List backbones with size, accuracy and weights.

    PATTERN selects backbones by name, such as 'b?,mobilenet*'. The column ImageNet is the top-1 accuracy that Keras
    documents. The column weights names a local file. Without --weights, Keras downloads missing weights when they are
    needed.
    """
    from ..workflows.backbones import list_backbones

    listed = list_backbones(**options)
    context.show(listed, as_json=as_json)
    if not as_json and not any(one.weights for one in listed):
        folder = options["weights"]
        context.progress.note(
            f"{folder} contains no weights of these backbones."
            if folder
            else "There are no local weights: Keras downloads them when they are needed."
        )
