"""The command that shows the folds and makes others: ``folds``."""

from __future__ import annotations

import sys
from typing import Any

import click

from .context import Context
from .options import add_competition_option, add_json_option, option
from .showing import show_result


@click.command()
@option("--folds", type=int, help="Make so many; 1 holds out one fifth.")
@option("--repeats", type=int, help="Make them so often, each time others.")
@option("--seed", type=click.IntRange(0, 2**31), help="Make those of a seed.")
@option("--force", "-y", "--yes", "force", is_flag=True, help="Make them even if trained members become useless.")
@add_competition_option
@add_json_option
@click.pass_obj
def folds(context: Context, /, *, force: bool, as_json: bool, **options: Any) -> None:
    """Show how photos are spread over the folds, or make others.

    Members are trained and compared on the same folds. Others make useless what was trained before; that is said first,
    and asked or refused.
    """
    from ..workflows.folds import folds as run

    numbers = {name: options[name] for name in ("folds", "repeats", "seed")}
    if any(number is not None for number in numbers.values()) and not force and sys.stdin.isatty():
        force = _confirm_discard(context, options.get("competition"), numbers)
    with context.progress:
        result = run(**options, force=force, **context.common)
    show_result(result, as_json=as_json)


def _confirm_discard(context: Context, competition: str | None, numbers: dict[str, int | None]) -> bool:
    """Ask whether what becomes useless may."""
    from ..workflows.folds import find_obsolete_results

    useless = find_obsolete_results(competition, **numbers, workspace=context.workspace, progress=context.progress)
    if not useless:
        return False
    click.confirm(f"New folds make useless {useless.describe()}. Make them?", abort=True, err=True)
    return True
