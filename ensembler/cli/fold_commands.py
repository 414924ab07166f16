"""The command ``folds``, which shows the folds or makes new ones."""

from __future__ import annotations

import sys
from typing import Any

import click

from .context import Context
from .options import add_competition_option, add_json_option, option


@click.command()
@option("--folds", type=int, help="Make this number of folds. 1 holds out one fifth.")
@option("--repeats", type=int, help="Make the folds this often, each time different ones.")
@option("--seed", type=click.IntRange(0, 2**31), help="Make folds with this seed.")
@option("--hold-out", metavar="FOLDER", help="Make one fold of the training photos in this folder, such as valid.")
@option("--force", "-y", "--yes", "force", is_flag=True, help="Make new folds even if trained members become unusable.")
@add_competition_option
@add_json_option
@click.pass_obj
def folds(context: Context, /, *, force: bool, as_json: bool, **options: Any) -> None:
    """Show how photos are distributed over the folds, or make new folds.

    All members are trained and compared on the same folds. Members that were trained on other folds become unusable.
    The command lists them first, and asks for confirmation or refuses. --force skips the question.
    """
    from ..workflows.folds import folds as run

    numbers = {name: options[name] for name in ("folds", "repeats", "seed", "hold_out")}
    if any(number is not None for number in numbers.values()) and not force and sys.stdin.isatty():
        force = _confirm_discard(context, options.get("competition"), numbers)
    context.show(context.run(run, **options, force=force), as_json=as_json)


def _confirm_discard(context: Context, competition: str | None, numbers: dict[str, Any]) -> bool:
    from ..workflows.folds import find_obsolete_results

    obsolete = find_obsolete_results(competition, **numbers, workspace=context.workspace, progress=context.progress)
    if obsolete:
        click.confirm(f"New folds make {obsolete.describe()} unusable. Make them?", abort=True, err=True)
    return bool(obsolete)
