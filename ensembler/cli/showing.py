"""How commands show results: as a table with sentences, or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from ..tables import Table


class Result(Protocol):
    """What a workflow returns."""

    def build_table(self) -> Table:
        """Lay it out for a person."""

    def to_json(self) -> Any:
        """Return what JSON can hold."""


def show_result(result: Result, *, as_json: bool) -> None:
    """Print a result on standard output."""
    if as_json:
        click.echo(json.dumps(result.to_json(), indent=2))
    else:
        result.build_table().write()
