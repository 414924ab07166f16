"""Commands that submit to Kaggle: ``submit``, ``submissions``, ``notebook``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import click

from .context import Context
from .endings import EXIT_INTERRUPTED, fail
from .options import PATH, add_competition_option, add_json_option, add_timeout_option, option


@click.command()
@click.argument("csv", required=False, type=PATH)
@option("-m", "--message", default="", help="Description on Kaggle.")
@option("--again", is_flag=True, help="Upload even if the same bytes were uploaded before.")
@option("--dry-run", is_flag=True, help="Do everything except the upload.")
@option("--wait/--no-wait", default=True, help="Wait for the score.")
@add_timeout_option
@add_competition_option
@add_json_option
@click.pass_obj
def submit(context: Context, /, csv: Path | None, *, as_json: bool, **options: Any) -> None:
    """Check a submission, by default the newest, upload it, and print its public score."""
    from ..workflows.submit.submit import submit as run

    try:
        result = context.run(run, csv, **options)
    except KeyboardInterrupt:
        fail("Interrupted; `ensembler submissions` shows whether Kaggle received the upload.", EXIT_INTERRUPTED)
    context.show(result, as_json=as_json)


@click.command()
@add_competition_option
@option("--all-competitions", is_flag=True, former=["--all"], help="List all competitions.")
@option("--offline", is_flag=True, help="List without contacting Kaggle.")
@add_json_option
@option("--csv", "as_csv", is_flag=True, help="Print a CSV instead of a table.")
@click.pass_obj
def submissions(
    context: Context, /, competition: str | None, *, all_competitions: bool, offline: bool, as_json: bool, as_csv: bool
) -> None:
    """List all submissions with Kaggle's scores, newest first.

    The list also contains submissions that were not uploaded, and uploads in the browser. It is first updated from
    Kaggle. The gap is the difference between the public and the local score. It is positive if the public score is
    worse, whichever direction of the metric is better. In parentheses is the gap in standard errors (se) of the local
    score.
    """
    from ..workflows.submit.submissions import submissions as run
    from ..workflows.submit.table import format_csv

    if competition and all_competitions:
        raise click.UsageError("--competition and --all-competitions exclude each other: pass one of them.")
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other: pass one of them.")
    rows = context.run(run, competition, all_competitions=all_competitions, offline=offline)
    if not rows:
        context.progress.note(
            "There are no submissions yet: `ensembler stack` writes a CSV, `ensembler submit` uploads it."
        )
    if as_csv:
        # Bytes keep the line ends of the CSV the same on every system.
        click.echo(format_csv(rows).encode(), nl=False)
    elif as_json:
        context.show(rows, as_json=True)
    elif rows:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        rows.build_table().write(width=width)


@click.command()
@option("--stack", metavar="NAME", help="Finished stack. By default the newest.")
@option("--push", is_flag=True, help="Upload dataset and notebook, both private, and wait until the notebook has run.")
@option("--submit", is_flag=True, help="Push the notebook, submit its output, and print the public score.")
@option("--wait/--no-wait", default=True, help="Wait for the score. Kaggle takes hours.")
@option("--timeout", type=float, default=720, help="Minutes to wait for each step on Kaggle.")
@option("--gpu/--no-gpu", default=True, help="Whether the notebook requests a GPU.")
@option("-o", "--output", type=PATH, help="Folder to write. By default notebook in the folder of the stack.")
@option("-m", "--message", default="", help="Description of the submission.")
@add_competition_option
@add_json_option
@click.pass_obj
def notebook(context: Context, /, *, timeout: float, as_json: bool, **options: Any) -> None:
    """Write a notebook for a code competition, push it, and submit it.

    The notebook needs no internet. A private dataset contains the stack and the wheels that the notebook installs. If
    the command is interrupted, run it again to resume.
    """
    from ..workflows.submit.notebook import make_polling_policy
    from ..workflows.submit.notebook import notebook as run

    context.show(context.run(run, **options, waits=make_polling_policy(timeout)), as_json=as_json)
