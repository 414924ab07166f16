"""The command ``check``, which looks for doubts about photos and labels."""

from __future__ import annotations

from typing import Any

import click

from .context import Context
from .options import add_competition_option, add_json_option


@click.command()
@add_competition_option
@add_json_option
@click.pass_obj
def check(context: Context, /, *, as_json: bool, **options: Any) -> None:
    """Look for doubts about the photos and labels, before or after training.

    All photos are read, to find faulty ones, copies, rare classes, properties of files that tell the label, and
    differences between train and test. A further check reads only photos that are new or have changed. Labels are
    checked where a member or a stack is trained. A table of all doubts and a contact sheet are written to
    data/NAME/check. Nothing is changed or left out.
    """
    from ..workflows.check import check as run

    context.show(context.run(run, **options), as_json=as_json)
