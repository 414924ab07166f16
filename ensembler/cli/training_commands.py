"""Commands that train members: ``train-members``, ``config``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..callers import address_variables
from .context import Context
from .options import PATH, Option, add_competition_option, add_json_option, option, parse_member_names
from .training_options import ConfigCommand, DistillationCommand, TrainingCommand, select_given_options


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
    type=PATH,
    metavar="FILE.png",
    help="Draw augmented photos of the first member, and train nothing.",
)
@add_json_option
@click.pass_obj
def train_members(
    context: Context, /, members: list[str], *, as_json: bool, show_augmented: Path | None, **options: Any
) -> None:
    """Train backbones on all folds.

    Finished folds are kept. Preset, backbone and machine determine the options that are not given. `ensembler config`
    prints all values with their sources.
    """
    from ..workflows.train.train import train_members as run

    given = select_given_options(options)
    if show_augmented:
        _draw_augmented(context, show_augmented, members, given)
        return
    _show_members(context.run(run, members, **given), as_json=as_json)


@click.command(cls=DistillationCommand)
@option(
    "--into",
    required=True,
    callback=parse_member_names,
    metavar="A,B",
    help="Backbones of the light members, such as mobilenetv2-0.35.",
)
@option("--stack", metavar="NAME", help="Finished stack that teaches them. By default the newest.")
@add_competition_option
@add_json_option
@click.pass_obj
def distill(context: Context, /, into: list[str], *, as_json: bool, **options: Any) -> None:
    """Train light members that learn from a stack beside the labels.

    A member is named BACKBONE@distilled unless it has another label. Each fold is taught by networks that never saw its
    held-out photos.
    """
    from ..workflows.distill import distill as run

    _show_members(context.run(run, into, **select_given_options(options)), as_json=as_json)


def _show_members(members: Any, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"members": members.to_json()}, indent=2))
    else:
        members.build_table().write()


def _draw_augmented(context: Context, file: Path, members: list[str], options: dict[str, Any]) -> None:
    from ..options.reading import ENGINE, RUN
    from ..workflows.train.preview import show_augmented

    # Nothing is trained.
    unused = (RUN.keys() | ENGINE.keys()) - {"preset", "config"}
    given = {name: value for name, value in options.items() if name not in unused}
    drawn = context.run(show_augmented, file, members, **given)
    click.echo(f"{drawn.file}: {drawn.member} with --augmentation {drawn.augmentation}; nothing was trained.")


# The command reads the environment variables of the command whose options it prints.
@click.command("config", cls=ConfigCommand, context_settings={"auto_envvar_prefix": "ENSEMBLER_TRAIN_MEMBERS"})
@option("--members", callback=parse_member_names, metavar="A,B,C", help="Members whose own options are printed too.")
@click.pass_obj
def show_config(_context: Context, /, members: list[str] | None, **options: Any) -> None:
    """Print the effective training options with their sources, as a file for --config."""
    from ..workflows.config import config as run

    context = click.get_current_context()
    variables = {
        str(found.name): found.find_variable(context)
        for found in context.command.get_params(context)
        if isinstance(found, Option)
        and context.get_parameter_source(str(found.name)) is click.core.ParameterSource.ENVIRONMENT
    }
    context.with_resource(address_variables({name: variable for name, variable in variables.items() if variable}))
    click.echo(run(members, **select_given_options(options)), nl=False)
