"""Commands about what was trained: ``members`` with ``members rm``, ``status``."""

from __future__ import annotations

import dataclasses
import json
import sys

import click

from .context import Context
from .endings import EXIT_INTERRUPTED, fail
from .options import add_competition_option, add_json_option, option
from .showing import show_result


@click.group(invoke_without_command=True)
@option("--measure", is_flag=True, help="Measure speeds that were not measured on this machine.")
@add_competition_option
@add_json_option
@click.pass_context
def members(click_context: click.Context, /, competition: str | None, *, measure: bool, as_json: bool) -> None:
    """List the trained members: size, speed, scores, what differs.

    Speeds are those of one fold's network with the views that it predicts by: milliseconds are the mean of 100
    predictions of one photo each, photos per second are in batches. The spread is the standard deviation of the log
    loss over folds.
    """
    if click_context.invoked_subcommand is not None:
        return
    from ..workflows.members.listing import list_members as run

    context: Context = click_context.obj
    with context.progress:
        listed = run(competition, measure=measure, **context.common)
    if as_json:
        click.echo(json.dumps([member.to_json() for member in listed], indent=2))
        return
    if not listed:
        context.progress.note("No member is trained yet: begin with `ensembler train-members --members ...`.")
        return
    table = listed.build_table()
    dataclasses.replace(table, notes=()).write()
    for note in table.notes:
        context.progress.note(note)


@members.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@option("--force", "-y", "--yes", "force", is_flag=True, help="Also if a finished stack was built of one.")
@add_competition_option
@add_json_option
@click.pass_context
def remove(
    click_context: click.Context, /, names: tuple[str, ...], competition: str | None, *, force: bool, as_json: bool
) -> None:
    """Remove members, and frozen features that no other member uses.

    Stacks that were built of them stay as they are: they have their own copies.
    """
    from ..workflows.members.removal import describe_stack_uses, find_stack_uses
    from ..workflows.members.removal import remove_members as run

    context: Context = click_context.obj
    # What stands before `rm` counts too.
    before = click_context.parent.params if click_context.parent else {}
    competition, as_json = competition or before.get("competition"), as_json or bool(before.get("as_json"))
    if not force and _is_terminal() and (uses := find_stack_uses(context.workspace.current(competition), names)):
        force = click.confirm(f"{describe_stack_uses(uses)}. Remove all the same?", err=True)
        if not force:
            fail("Nothing was removed.", EXIT_INTERRUPTED)
    with context.progress:
        removed = run(names, competition=competition, force=force, **context.common)
    show_result(removed, as_json=as_json)


def _is_terminal() -> bool:
    """Whether somebody is there who can be asked."""
    return sys.stdin.isatty()


@click.command()
@add_competition_option
@add_json_option
@click.pass_obj
def status(context: Context, /, competition: str | None, *, as_json: bool) -> None:
    """Tell where a competition stands, and what to do next.

    Nothing is asked of Kaggle: submissions are as `ensembler submissions` last found them.
    """
    from ..workflows.status.status import status as run

    with context.progress:
        standing = run(competition, **context.common)
    show_result(standing, as_json=as_json)
