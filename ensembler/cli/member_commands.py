"""Commands about trained members: ``members`` with ``members rm``, ``status``."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import click

from .context import Context
from .endings import EXIT_INTERRUPTED, fail
from .options import add_competition_option, add_json_option, add_plot_option, option


@click.group(invoke_without_command=True)
@option("--measure", is_flag=True, help="Time single photos where it was not done on this machine.")
@add_plot_option
@add_competition_option
@add_json_option
@click.pass_context
def members(
    click_context: click.Context, /, competition: str | None, *, measure: bool, plot: Path | None, as_json: bool
) -> None:
    """List trained members with size, speed, scores and differing settings.

    Speeds are those of one fold's network with all its views. Milliseconds per photo are the mean of 100 predictions of
    single photos, photos per second are measured in the batches of the training. The spread is the standard deviation
    of the log loss over the folds.
    """
    if click_context.invoked_subcommand is not None:
        return
    from ..workflows.members.listing import list_members as run

    context: Context = click_context.obj
    listed = context.run(run, competition, measure=measure, plot=plot)
    if as_json:
        context.show(listed, as_json=True)
        return
    if not listed:
        context.progress.note("No member is trained yet: start with `ensembler train-members --members ...`.")
        return
    table = listed.build_table()
    dataclasses.replace(table, notes=()).write()
    for note in table.notes:
        context.progress.note(note)


@members.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@option("--force", "-y", "--yes", "force", is_flag=True, help="Remove members even if a finished stack contains one.")
@add_competition_option
@add_json_option
@click.pass_context
def remove(
    click_context: click.Context, /, names: tuple[str, ...], competition: str | None, *, force: bool, as_json: bool
) -> None:
    """Remove members, and frozen features that no other member uses.

    Stacks that contain them are kept, because a stack has its own copies. If a stack contains one, the command asks for
    confirmation or refuses. --force skips the question.
    """
    from ..workflows.members.removal import describe_stack_uses, find_stack_uses
    from ..workflows.members.removal import remove_members as run

    context: Context = click_context.obj
    # Options before `rm` apply too.
    before = click_context.parent.params if click_context.parent else {}
    competition, as_json = competition or before.get("competition"), as_json or bool(before.get("as_json"))
    if not force and _is_terminal() and (uses := find_stack_uses(context.workspace.current(competition), names)):
        force = click.confirm(f"{describe_stack_uses(uses)}. Remove them anyway?", err=True)
        if not force:
            fail("Nothing was removed.", EXIT_INTERRUPTED)
    context.show(context.run(run, names, competition=competition, force=force), as_json=as_json)


def _is_terminal() -> bool:
    return sys.stdin.isatty()


@click.command()
@add_competition_option
@add_json_option
@click.pass_obj
def status(context: Context, /, competition: str | None, *, as_json: bool) -> None:
    """Show the state of a competition, and what to do next.

    The command does not contact Kaggle. Submissions are shown as `ensembler submissions` last found them.
    """
    from ..workflows.status.status import status as run

    context.show(context.run(run, competition), as_json=as_json)
