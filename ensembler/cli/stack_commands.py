"""Commands that make an answer and judge it: ``stack``, ``score``, and ``demo``, which goes the whole way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from .context import Context
from .options import add_competition_option, add_json_option, option, parse_member_names
from .showing import show_result


@click.command()
@option("--members", callback=parse_member_names, metavar="A,B,C", help="Trained members; all of them by default.")
@option("--name", help="Of the stack; by default its members' names.")
@option(
    "--meta",
    type=click.Choice(["dense", "logistic", "logistic-nonneg", "greedy", "mean", "logit-mean", "auto"]),
    default="dense",
    show_default=True,
    help="Meta-learner; auto takes the simplest within one standard error of the best.",
)
@option("--top", type=click.IntRange(1), metavar="N", help="Stack the best N of the members.")
@option("--infer-limit", metavar="TIME", help="Stack the best that take so long for a photo together, such as 20ms.")
@option("--refit", is_flag=True, help="Take each member's one network of all photos, see train-members --refit.")
@option("--seed", type=int, default=0, show_default=True, help="Of the meta-learner.")
@add_competition_option
@add_json_option
@click.pass_obj
def stack(context: Context, /, *, as_json: bool, **options: Any) -> None:
    """Stack members, score the stack by nested folds, write the CSV."""
    from ..workflows.stack import stack as run

    with context.progress:
        result = run(**options, **context.common)
    show_result(result, as_json=as_json)


@click.command()
@click.argument("csv", required=False, type=click.Path(path_type=Path))
@option("--truth", type=click.Path(path_type=Path), help="CSV with columns id and label.")
@add_competition_option
@add_json_option
@click.pass_obj
def score(context: Context, /, csv: Path | None, *, as_json: bool, **options: Any) -> None:
    """Score a CSV (the newest by default) against hidden labels."""
    from ..workflows.submit.score import score as run

    with context.progress:
        result = run(csv, **options, **context.common)
    show_result(result, as_json=as_json)


@click.command()
@add_json_option
@click.pass_obj
def demo(context: Context, /, *, as_json: bool) -> None:
    """Go the whole way on embedded data: no account, no download, no GPU."""
    from ..workflows.demo import demo as run

    with context.progress:
        stacked, scored = run(**context.common)
    if as_json:
        hidden = {f"hidden_{name}": value for name, value in scored.to_json().items()}
        click.echo(json.dumps(stacked.to_json() | hidden, indent=2))
    else:
        stacked.build_table().write()
        click.echo(f"hidden labels  {scored.describe()}")
