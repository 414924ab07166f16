"""Commands that train members: ``train-members``, ``config``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from .context import Context
from .options import add_competition_option, add_json_option, option, parse_member_names
from .training_options import ConfigCommand, TrainingCommand, select_given_options


@click.command("train-members", cls=TrainingCommand)
@option(
    "--members",
    required=True,
    callback=parse_member_names,
    metavar="A,B,C",
    help="Backbones to train, such as b0,b2,b3@LABEL.",
)
@add_competition_option
@option(
    "--show-augmented",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Draw what the first member would be trained on, and train nothing.",
)
@add_json_option
@click.pass_obj
def train_members(
    context: Context, /, members: list[str], *, as_json: bool, show_augmented: Path | None, **options: Any
) -> None:
    """Train backbones over all folds; finished folds are kept.

    Preset, backbone and machine choose the options that are left out: `ensembler config` prints them with their
    reasons.
    """
    from ..workflows.train.train import train_members as run

    given = select_given_options(options)
    if show_augmented:
        _draw_augmented(context, show_augmented, members, given)
        return
    with context.progress:
        results = run(members, **given, **context.common)
    if as_json:
        click.echo(json.dumps({"members": results.to_json()}, indent=2))
        return
    results.build_table().write()


def _draw_augmented(context: Context, file: Path, members: list[str], options: dict[str, Any]) -> None:
    from ..options.reading import RUN
    from ..workflows.train.preview import show_augmented

    # Nothing is trained.
    unused = RUN.keys() - {"preset", "config"}
    with context.progress:
        drawn = show_augmented(
            file, members, **{name: value for name, value in options.items() if name not in unused}, **context.common
        )
    click.echo(f"{drawn.file}: {drawn.member} with --augmentation {drawn.augmentation}; nothing was trained.")


# It reads the environment variables of the command whose options it prints.
@click.command("config", cls=ConfigCommand, context_settings={"auto_envvar_prefix": "ENSEMBLER_TRAIN_MEMBERS"})
@option("--members", callback=parse_member_names, metavar="A,B,C", help="Members, each with the options of its own.")
@click.pass_obj
def show_config(_context: Context, /, members: list[str] | None, **options: Any) -> None:
    """Print the options of training in force, and where each comes from; --config takes what it prints."""
    from ..workflows.config import config as run

    click.echo(run(members, **select_given_options(options)), nl=False)
