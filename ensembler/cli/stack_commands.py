"""Commands that build and score a stack: ``stack``, ``score``, and ``demo``, which runs the whole workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from .context import Context
from .options import PATH, add_competition_option, add_json_option, add_plot_option, option, parse_member_names
from .training_options import EngineCommand


@click.command(cls=EngineCommand)
@option("--members", callback=parse_member_names, metavar="A,B,C", help="Trained members. By default all.")
@option("--name", help="Name of the stack. By default its members' names.")
@option(
    "--meta",
    type=click.Choice(["dense", "logistic", "logistic-nonneg", "greedy", "mean", "logit-mean", "auto"]),
    default="dense",
    help="Meta-learner. auto takes the simplest within one standard error of the best.",
)
@option("--top", type=click.IntRange(1), metavar="N", help="Stack the best N members.")
@option(
    "--infer-limit",
    metavar="TIME",
    help="Stack the best members whose total time per photo is within this limit, such as 20ms.",
)
@option("--refit", is_flag=True, help="Use the networks trained on all photos, see train-members --refit.")
@option("--seed", type=int, default=0, help="Seed of the meta-learner.")
@option("--track", type=click.Choice(["mlflow"]), help="Track the stack as a run in MLflow, see docs/tracking.md.")
@add_plot_option
@add_competition_option
@add_json_option
@click.pass_obj
def stack(context: Context, /, *, as_json: bool, **options: Any) -> None:
    """Stack members, score the stack by nested folds, and write the submission."""
    from ..workflows.stack import stack as run

    context.show(context.run(run, **options), as_json=as_json)


@click.command()
@click.argument("csv", required=False, type=PATH)
@option("--truth", type=PATH, help="CSV with columns id and label. By default the labels that adopt held out.")
@add_competition_option
@add_json_option
@click.pass_obj
def score(context: Context, /, csv: Path | None, *, as_json: bool, **options: Any) -> None:
    """Score a submission, by default the newest, against hidden labels."""
    from ..workflows.submit.score import score as run

    context.show(context.run(run, csv, **options), as_json=as_json)


@click.command()
@add_json_option
@click.pass_obj
def demo(context: Context, /, *, as_json: bool) -> None:
    """Run the whole workflow on included data, without an account, a download or a GPU."""
    from ..workflows.demo import demo as run

    stacked, scored = context.run(run)
    if as_json:
        hidden = {f"hidden_{name}": value for name, value in scored.to_json().items()}
        click.echo(json.dumps(stacked.to_json() | hidden, indent=2))
    else:
        stacked.build_table().write()
        click.echo(f"hidden labels  {scored.describe()}")
