"""Words in, one workflow, words out. The only home of click; what is heavy is imported when a command runs."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from . import __version__
from .errors import BadAnswer, EnsemblerError, StorageError

if TYPE_CHECKING:
    from .competition.layout.layout import Hints
    from .console import ConsoleProgress
    from .storage import Workspace
    from .workflows.history_text import Row
    from .workflows.results import Fetched, MemberResult, Scored, StackResult, Submitted

F = TypeVar("F", bound=Callable[..., Any])
INTERRUPTED = 130
DAY = 24 * 60 * 60


class _Option(click.Option):
    """An option whose environment variable has the name that a person types, whatever the parameter is called."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Look for ``ENSEMBLER_COMMAND_OPTION``."""
        typed = max(self.opts, key=len).lstrip("-").replace("-", "_").upper()
        return os.environ.get(f"{ctx.auto_envvar_prefix}_{typed}") or None


_option = functools.partial(click.option, cls=_Option)


class Context:
    """What all commands share: the folders, and where progress goes."""

    def __init__(self, data: Path, submissions: Path, *, quiet: bool) -> None:
        from .console import ConsoleProgress
        from .storage import Workspace

        self.workspace: Workspace = Workspace(data, submissions)
        self.progress: ConsoleProgress = ConsoleProgress(quiet=quiet)

    @property
    def common(self) -> dict[str, Any]:
        """Arguments that every workflow takes."""
        return {"workspace": self.workspace, "progress": self.progress}


def main() -> None:
    """Run the command line; our errors become one line and exit code 1, a bug of ours keeps its traceback."""
    try:
        commands.main(standalone_mode=False)
    except BadAnswer as error:
        _show_problems(error)
        _fail(f"{error.headline}.")
    except EnsemblerError as error:
        _fail(str(error))
    except click.exceptions.Abort:
        _fail("Interrupted; the same command goes on from here.", INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OSError as error:
        if not StorageError.is_refusal(error):
            raise
        _fail(str(StorageError.from_os(error)))


def _fail(text: str, code: int = 1) -> NoReturn:
    click.echo(f"Error: {text}" if code == 1 else text, err=True)
    sys.exit(code)


@click.group(context_settings={"auto_envvar_prefix": "ENSEMBLER", "help_option_names": ["-h", "--help"]})
@_option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder of competitions.",
)
@_option(
    "--submissions",
    type=click.Path(path_type=Path),
    default=Path("submissions"),
    show_default=True,
    help="Folder of CSVs.",
)
@_option("-q", "--quiet", is_flag=True, help="No progress, warnings and errors only.")
@click.version_option(__version__, prog_name="ensembler")
@click.pass_context
def commands(context: click.Context, data: Path, submissions: Path, *, quiet: bool) -> None:
    """From a Kaggle image competition's slug to a scored submission.

    \b
    ensembler fetch SLUG                        download, unpack, find out the layout
    ensembler train-members --members b0,b2,b3  train each backbone, fold by fold
    ensembler stack                             stack them, score honestly, write the CSV
    ensembler submit                            check, upload, show the public score

    Every option can be set by an environment variable: ENSEMBLER_DATA, ENSEMBLER_TRAIN_MEMBERS_FOLDS, ...
    """  # noqa: D301 - click's mark for lines to keep is a backspace, not a backslash
    if context.invoked_subcommand and not any(flag in sys.argv for flag in ("-h", "--help")):
        context.obj = Context(data, submissions, quiet=quiet)


def _competition_option(command: F) -> F:
    return _option("-c", "--competition", metavar="NAME", help="Instead of the one last fetched or adopted.")(command)


def _timeout_option(command: F) -> F:
    return _option(
        "--timeout",
        type=click.IntRange(1, DAY),
        default=60,
        show_default=True,
        metavar="SECONDS",
        help="Without an answer from Kaggle, after which a question is repeated.",
    )(command)


def _json_option(command: F) -> F:
    return _option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def _hint_options(command: F) -> F:
    for option in (
        _option("--positive", metavar="CLASS", help="Class that a binary answer is the probability of."),
        _option("--labels", metavar="FILE", help="Table of labels, relative to the competition's files."),
        _option("--label-column", metavar="COLUMN", help="Column of that table with the class."),
        _option("--sample", metavar="FILE", help="Sample submission, relative to the competition's files."),
        _option("--incomplete-labels", is_flag=True, help="Leave out photos that the table does not label."),
        _option("--groups", metavar="FILE:COLUMN|names|none", help="Photos that folds must keep together."),
        _option("--metric", metavar="NAME", help="What the competition is judged by."),
    ):
        command = option(command)
    return command


def _hints(options: dict[str, Any]) -> Hints:
    from .competition.layout.layout import Hints

    return Hints(**options)


def _members(_context: click.Context, _option: click.Parameter, value: str | None) -> list[str] | None:
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]


@commands.command()
@_json_option
@click.pass_obj
def demo(context: Context, /, *, as_json: bool) -> None:
    """Go the whole way on embedded data: no account, no download, no GPU."""
    from .workflows.demo import demo as run

    with context.progress:
        stacked, scored = run(**context.common)
    _show_stack(stacked, scored, as_json=as_json)


@commands.command()
@click.argument("competition", metavar="SLUG|URL")
@_option(
    "--from",
    "archive",
    type=click.Path(path_type=Path),
    metavar="FILE.zip",
    help="A zip downloaded by the browser.",
)
@_option("--force", is_flag=True, help="Download, unpack and find out anew.")
@_option(
    "--unpack-limit",
    type=click.IntRange(min=0),
    metavar="GB",
    help="Unpack no more than that, 0 for no limit; by default 50 GB or ten times the archive.",
)
@_timeout_option
@_hint_options
@click.pass_obj
def fetch(
    context: Context,
    /,
    competition: str,
    archive: Path | None,
    *,
    force: bool,
    unpack_limit: int | None,
    timeout: int,
    **hints: Any,
) -> None:
    """Download a competition, unpack it and find out its layout; it goes on where it was interrupted."""
    from .workflows.fetching import fetch as run

    most = None if unpack_limit is None else unpack_limit * 10**9
    with context.progress:
        fetched = run(
            competition,
            archive=archive,
            hints=_hints(hints),
            force=force,
            most_bytes=most,
            timeout=timeout,
            **context.common,
        )
    _show_competition(fetched)


@commands.command()
@click.argument("photos", type=click.Path(path_type=Path), metavar="FOLDER")
@_option("--name", required=True, help="What to call the competition.")
@_option("--test-size", type=float, default=0.2, show_default=True, help="Share of the photos to predict.")
@_option("--seed", type=int, default=0, show_default=True, help="Chooses them.")
@_option("--force", is_flag=True, help="Begin anew with a name that is in use.")
@_hint_options
@click.pass_obj
def adopt(
    context: Context, /, photos: Path, name: str, test_size: float, seed: int, *, force: bool, **hints: Any
) -> None:
    """Make a competition of a local folder: a class per subfolder, or photos and a CSV."""
    from .workflows.competitions import adopt as run

    with context.progress:
        fetched = run(photos, name, test_size=test_size, seed=seed, force=force, hints=_hints(hints), **context.common)
    _show_competition(fetched)


@commands.command("train-members")
@_option("--members", required=True, callback=_members, metavar="A,B,C", help="Backbones, such as b0,b2,b3.")
@_competition_option
@_option("--folds", type=int, default=5, show_default=True, help="Folds, shared by all members.")
@_option(
    "--weights",
    default="imagenet",
    show_default=True,
    metavar="imagenet|none|FOLDER",
    help="What networks start from.",
)
@_option(
    "--unfreeze",
    type=click.Choice(["none", "all"]),
    help="What is trained; by default all if there is a GPU.",
)
@_option("--epochs", type=int, help="Passes of fine-tuning.")
@_option("--image-size", type=int, help="Height and width in pixels; each backbone's own by default.")
@_option("--batch-size", type=int, default=32, show_default=True, help="Photos a step.")
@_option("--seed", type=int, default=0, show_default=True, help="Of folds, weights and order.")
@_option("--restart", is_flag=True, help="Forget what these members learned before.")
@_json_option
@click.pass_obj
def train_members(context: Context, /, members: list[str], *, as_json: bool, **options: Any) -> None:
    """Train backbones over all folds; finished folds are kept."""
    from .workflows.training import train_members as run

    with context.progress:
        results = run(members, **options, **context.common)
    if as_json:
        click.echo(json.dumps({"members": [_member_json(result) for result in results]}, indent=2))
        return
    _show_members(results)


@commands.command()
@_option("--members", callback=_members, metavar="A,B,C", help="Trained members; all of them by default.")
@_option("--name", help="Of the stack; by default its members' names.")
@_option("--seed", type=int, default=0, show_default=True, help="Of the meta-learner.")
@_competition_option
@_json_option
@click.pass_obj
def stack(context: Context, /, *, as_json: bool, **options: Any) -> None:
    """Stack members, score the stack by nested folds, write the CSV."""
    from .workflows.stacks import stack as run

    with context.progress:
        result = run(**options, **context.common)
    _show_stack(result, None, as_json=as_json)


@commands.command()
@click.argument("csv", required=False, type=click.Path(path_type=Path))
@_option("-m", "--message", default="", help="Description on Kaggle.")
@_option("--again", is_flag=True, help="Also if the same bytes were uploaded before.")
@_option("--dry-run", is_flag=True, help="Do all but the upload.")
@_option("--wait/--no-wait", default=True, show_default=True, help="For the score.")
@_timeout_option
@_competition_option
@_json_option
@click.pass_obj
def submit(context: Context, /, csv: Path | None, *, as_json: bool, **options: Any) -> None:
    """Check a CSV (the newest by default), upload it, print the public score."""
    from .workflows.submitting import submit as run

    try:
        with context.progress:
            result = run(csv, **options, **context.common)
    except KeyboardInterrupt:
        _fail("Interrupted; `ensembler submissions` shows what became of it.", INTERRUPTED)
    click.echo(json.dumps(result.fields(), indent=2) if as_json else _submitted_words(result))


@commands.command()
@_competition_option
@_option("--all", "every", is_flag=True, help="All competitions.")
@_option("--offline", is_flag=True, help="Ask nothing of Kaggle.")
@_json_option
@_option("--csv", "as_csv", is_flag=True, help="Print a CSV instead of a table.")
@click.pass_obj
def submissions(
    context: Context, /, competition: str | None, *, every: bool, offline: bool, as_json: bool, as_csv: bool
) -> None:
    """List what was made and submitted, newest first, with Kaggle's scores.

    Kaggle is asked first what became of it, and what was submitted in the browser. The gap is how much worse the public
    score is than our own: positive if Kaggle's is worse, whichever way the metric goes; "se" counts standard errors of
    our own score.
    """
    from .workflows.history import submissions as run

    if competition and every:
        raise click.UsageError("Name a competition or list --all, not both.")
    if as_json and as_csv:
        raise click.UsageError("Print --json or --csv, not both.")
    with context.progress:
        rows = run(competition, every=every, refresh=not offline, **context.common)
    if not rows:
        context.progress.note("There is nothing yet: `ensembler stack` writes a CSV, `ensembler submit` uploads it.")
    if as_json:
        click.echo(json.dumps([row.fields() for row in rows], indent=2))
    else:
        _show_submissions(rows, every=every, as_csv=as_csv)


@commands.command()
@_option("--stack", metavar="NAME", help="A finished stack; the one built last by default.")
@_option("--push", is_flag=True, help="Upload dataset and notebook, both private, and wait until it has run.")
@_option("--submit", is_flag=True, help="Push it, submit what it wrote, print the public score.")
@_option("--wait/--no-wait", default=True, show_default=True, help="For the score, which takes Kaggle hours.")
@_option("--timeout", type=float, default=720, show_default=True, help="Minutes to wait for each of its steps.")
@_option("--gpu/--no-gpu", default=True, show_default=True, help="What the notebook asks for.")
@_option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write; beside the stack by default.")
@_option("-m", "--message", default="", help="Description of the submission.")
@_competition_option
@_json_option
@click.pass_obj
def notebook(context: Context, /, *, timeout: float, as_json: bool, **options: Any) -> None:
    """Answer a code competition: write a notebook, push it, submit it.

    The notebook needs no internet: a private dataset brings the stack and the wheels that it installs. The same command
    goes on where it was interrupted.
    """
    from .workflows.notebooks import notebook as run
    from .workflows.notebooks import waits_of

    with context.progress:
        result = run(**options, waits=waits_of(timeout), **context.common)
    if as_json:
        click.echo(json.dumps(result.fields(), indent=2))
    else:
        click.echo("\n".join(result.lines()))


@commands.command()
@click.argument("csv", required=False, type=click.Path(path_type=Path))
@_option("--truth", type=click.Path(path_type=Path), help="CSV with columns id and label.")
@_competition_option
@_json_option
@click.pass_obj
def score(context: Context, /, csv: Path | None, *, as_json: bool, **options: Any) -> None:
    """Score a CSV (the newest by default) against hidden labels."""
    from .workflows.hidden_labels import score as run
    from .workflows.score_text import score_fields

    with context.progress:
        result = run(csv, **options, **context.common)
    if as_json:
        click.echo(json.dumps(score_fields(result)))
    else:
        _show_score(result)


def _submitted_words(result: Submitted) -> str:
    if result.ref is None:
        return f"{result.submission} would be submitted to {result.slug} as {result.description!r}."
    if result.status == "PENDING":
        return f"Submission {result.ref}: not scored yet; `ensembler submissions` will show its score."
    scores = (("public", result.public), ("private", result.private))
    told = ", ".join(f"{kind} score {score:g}" for kind, score in scores if score is not None)
    return f"Submission {result.ref}: {told or 'taken, without a score'}"


def _show_problems(error: BadAnswer) -> None:
    from .console import print_table

    print_table(["problem", "first seen"], error.problems, to_error=True)


def _show_competition(fetched: Fetched) -> None:
    manifest = fetched.manifest
    sources = {"names": "file names", "folders": "folder names", "csv": manifest.train.file}
    left = f", {fetched.unreadable} unreadable (see {fetched.folder.unreadable})" if fetched.unreadable else ""
    click.echo(f"{manifest.name}")
    click.echo(f"  task      {manifest.sentence()}")
    click.echo(f"  labels    from {sources[manifest.train.labels]} in {manifest.train.folder}")
    click.echo(
        f"  answer    {manifest.answer.id_column} + {', '.join(manifest.answer.columns[:6])}: {manifest.answer.kind}"
    )
    click.echo(f"  photos    {fetched.training} to train on, {fetched.test} to predict{left}")
    click.echo(f"  metric    {manifest.metric}")
    if manifest.train.groups:
        click.echo(f"  groups    {manifest.train.group_column} of {manifest.train.groups}, kept whole by the folds")
    if manifest.code_only:
        click.echo("  submit    from a notebook alone")
    click.echo(f"  manifest  {fetched.folder.manifest} (correct it there if anything is wrong)")


def _show_members(results: list[MemberResult]) -> None:
    from .console import print_table
    from .workflows.score_text import score_table

    print_table(*score_table(results))


def _show_stack(result: StackResult, scored: Scored | None, *, as_json: bool) -> None:
    from .console import print_table
    from .workflows.score_text import score_fields, score_table, scored_words

    if as_json:
        members = [{"name": member.name, **score_fields(member)} for member in result.members]
        paths = {"submission": str(result.submission), "model": str(result.model)}
        hidden = score_fields(scored, "hidden_") if scored else {}
        told = {**score_fields(result), "mean": score_fields(result.mean), "members": members, **paths, **hidden}
        click.echo(json.dumps(told, indent=2))
        return
    print_table(*score_table(result.members, result))
    click.echo("")
    if scored:
        click.echo(f"hidden labels: {scored_words(scored)}")
    click.echo(f"submission     {result.submission}")
    click.echo(f"model          {result.model} (repeats the stored predictions to {result.difference:.1g})")
    for member in result.members:
        click.echo(f"member         {member.folder}")


def _show_submissions(rows: list[Row], *, every: bool, as_csv: bool) -> None:
    from .workflows import history_text

    if as_csv:
        # As bytes: the ends of its lines are the same on every system.
        click.echo(history_text.as_csv(rows).encode(), nl=False)
    elif rows:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo("\n".join(history_text.as_table(rows, width=width, every=every)))


def _show_score(result: Scored) -> None:
    from .workflows.score_text import scored_words

    click.echo(f"{result.submission}: {scored_words(result)}")


def _member_json(result: MemberResult) -> dict[str, Any]:
    from .workflows.score_text import score_fields

    return {
        "name": result.name,
        **score_fields(result),
        "folds": list(result.fold_log_losses),
        "seconds": result.seconds,
        "folder": str(result.folder),
    }
