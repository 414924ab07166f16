"""Results on standard output: a table with sentences, or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..tables import Shown


def show_result(result: Shown, *, as_json: bool) -> None:
    """Print a result on standard output."""
    if as_json:
        click.echo(json.dumps(result.to_json(), indent=2))
    else:
        result.build_table().write()
