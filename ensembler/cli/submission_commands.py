"""Commands that talk to Kaggle about answers: ``submit``, ``submissions``, ``notebook``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import click

from .context import Context
from .endings import EXIT_INTERRUPTED, fail
from .options import add_competition_option, add_json_option, add_timeout_option, option
from .showing import show_result


@click.command()
@click.argument("csv", required=False, type=click.Path(path_type=Path))
@option("-m", "--message", default="", help="Description on Kaggle.")
@option("--again", is_flag=True, help="Also if the same bytes were uploaded before.")
@option("--dry-run", is_flag=True, help="Do all but the upload.")
@option("--wait/--no-wait", default=True, show_default=True, help="For the score.")
@add_timeout_option
@add_competition_option
@add_json_option
@click.pass_obj
def submit(context: Context, /, csv: Path | None, *, as_json: bool, **options: Any) -> None:
    """Check a CSV (the newest by default), upload it, print the public score."""
    from ..workflows.submit.submit import submit as run

    try:
        with context.progress:
            result = run(csv, **options, **context.common)
    except KeyboardInterrupt:
        fail("Interrupted; `ensembler submissions` shows what became of it.", EXIT_INTERRUPTED)
    show_result(result, as_json=as_json)


@click.command()
@add_competition_option
@option("--all-competitions", is_flag=True, former=["--all"], help="All competitions.")
@option("--offline", is_flag=True, help="Ask nothing of Kaggle.")
@add_json_option
@option("--csv", "as_csv", is_flag=True, help="Print a CSV instead of a table.")
@click.pass_obj
def submissions(
    context: Context, /, competition: str | None, *, all_competitions: bool, offline: bool, as_json: bool, as_csv: bool
) -> None:
    """List what was made and submitted, newest first, with Kaggle's scores.

    Kaggle is asked first what became of it, and what was submitted in the browser. The gap is how much worse the public
    score is than our own: positive if Kaggle's is worse, whichever way the metric goes; "se" counts standard errors of
    our own score.
    """
    from ..workflows.submit.submissions import submissions as run
    from ..workflows.submit.table import format_csv

    if competition and all_competitions:
        raise click.UsageError("Name a competition or list --all-competitions, not both.")
    if as_json and as_csv:
        raise click.UsageError("Print --json or --csv, not both.")
    with context.progress:
        rows = run(competition, all_competitions=all_competitions, offline=offline, **context.common)
    if not rows:
        context.progress.note("There is nothing yet: `ensembler stack` writes a CSV, `ensembler submit` uploads it.")
    if as_csv:
        # As bytes: the ends of its lines are the same on every system.
        click.echo(format_csv(rows).encode(), nl=False)
    elif as_json:
        show_result(rows, as_json=True)
    elif rows:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        rows.build_table().write(width=width)


@click.command()
@option("--stack", metavar="NAME", help="A finished stack; the one built last by default.")
@option("--push", is_flag=True, help="Upload dataset and notebook, both private, and wait until it has run.")
@option("--submit", is_flag=True, help="Push it, submit what it wrote, print the public score.")
@option("--wait/--no-wait", default=True, show_default=True, help="For the score, which takes Kaggle hours.")
@option("--timeout", type=float, default=720, show_default=True, help="Minutes to wait for each of its steps.")
@option("--gpu/--no-gpu", default=True, show_default=True, help="What the notebook asks for.")
@option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write; beside the stack by default.")
@option("-m", "--message", default="", help="Description of the submission.")
@add_competition_option
@add_json_option
@click.pass_obj
def notebook(context: Context, /, *, timeout: float, as_json: bool, **options: Any) -> None:
    """Answer a code competition: write a notebook, push it, submit it.

    The notebook needs no internet: a private dataset brings the stack and the wheels that it installs. The same command
    goes on where it was interrupted.
    """
    from ..workflows.submit.notebook import make_polling_policy
    from ..workflows.submit.notebook import notebook as run

    with context.progress:
        result = run(**options, waits=make_polling_policy(timeout), **context.common)
    show_result(result, as_json=as_json)
