"""Commands that train members: ``train-members``, ``config``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .context import Context
from .options import (
    SectionedCommand,
    add_cache_limit_option,
    add_competition_option,
    add_json_option,
    add_runtime_option,
    option,
    parse_member_names,
)
from .training_options import add_training_options, select_given_options

if TYPE_CHECKING:
    from ..workflows.results import MemberResult


@click.command("train-members", cls=SectionedCommand)
@option(
    "--members", required=True, callback=parse_member_names, metavar="A,B,C", help="Backbones, such as b0,b2,b3@LABEL."
)
@option("--as", "name", metavar="NAME", help="What to call the one member; by default as in --members.")
@add_competition_option
@option("--folds", type=int, help="Shared by all members; 1 holds out a fifth. By default what is there, else 5.")
@option("--repeats", type=int, help="Times that folds are made, others each time; what is there, else 1.")
@option("--restart", is_flag=True, help="Forget what these members learned before.")
@option("--tensorboard", is_flag=True, help="Write each epoch for TensorBoard, into the competition's logs.")
@option(
    "--checkpoint-minutes",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MINUTES",
    help="Between checkpoints of fine-tuning, instead of one after each epoch.",
)
@option(
    "--time-budget",
    metavar="TIME",
    help="Of the whole call, such as 90s, 10m or 1h30m: cuts epochs, then folds, then sizes.",
)
@add_runtime_option
@add_cache_limit_option
@option("--pseudo-labels", metavar="STACK", help="Learn from photos to predict too, by its members' sure labels.")
@option("--confidence", type=float, metavar="SHARE", help="Least probability of such a label; 0.99 by default.")
@option("--refit", is_flag=True, help="Train one more network of each on all photos, for `stack --refit`.")
@option(
    "--show-augmented",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Draw what the first member would be trained on, and train nothing.",
)
@add_json_option
@add_training_options
@click.pass_obj
def train_members(
    context: Context, /, members: list[str], *, as_json: bool, show_augmented: Path | None, **options: Any
) -> None:
    """Train backbones over all folds; finished folds are kept.

    What is left open is chosen by preset, backbone and machine: `ensembler config` prints it with its reasons.
    """
    from ..workflows.train.train import train_members as run

    if show_augmented:
        _draw_augmented(context, show_augmented, members, **options)
        return
    with context.progress:
        results = run(members, **select_given_options(options), **context.common)
    if as_json:
        click.echo(json.dumps({"members": [_build_member_json(result) for result in results]}, indent=2))
        return
    _show_members(results)


def _draw_augmented(
    context: Context,
    file: Path,
    members: list[str],
    *,
    name: str | None,
    folds: int | None,
    repeats: int | None,
    restart: bool,
    tensorboard: bool,
    runtime: str | None,
    cache_limit: str | None,
    checkpoint_minutes: float | None,
    time_budget: str | None,
    pseudo_labels: str | None,
    confidence: float | None,
    refit: bool,
    **options: Any,
) -> None:
    from ..workflows.train.preview import show_augmented

    # Nothing is trained.
    del name, folds, repeats, restart, tensorboard, checkpoint_minutes, time_budget, runtime, cache_limit
    del pseudo_labels, confidence, refit
    with context.progress:
        drawn = show_augmented(file, members, **select_given_options(options), **context.common)
    click.echo(f"{drawn.file}: {drawn.member} with --augment {drawn.augmentation}; nothing was trained.")


# It reads the environment variables of the command whose options it tells.
@click.command("config", cls=SectionedCommand, context_settings={"auto_envvar_prefix": "ENSEMBLER_TRAIN_MEMBERS"})
@option("--members", callback=parse_member_names, metavar="A,B,C", help="Backbones, each with what it has of its own.")
@add_training_options
@click.pass_obj
def show_config(_context: Context, /, members: list[str] | None, **options: Any) -> None:
    """Print the options of training in force, and where each comes from; --config takes what it prints."""
    from ..workflows.config import config as run

    click.echo(run(members, **select_given_options(options)), nl=False)


def _show_members(results: list[MemberResult]) -> None:
    from ..console import print_table
    from .tables.score import build_score_table

    print_table(*build_score_table(results))


def _build_member_json(result: MemberResult) -> dict[str, Any]:
    from ..workflows.results import build_score_fields

    return {
        "name": result.name,
        **build_score_fields(result),
        "folds": list(result.fold_log_losses),
        "seconds": result.seconds,
        "folder": str(result.folder),
    }
