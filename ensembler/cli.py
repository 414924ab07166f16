"""Words in, one workflow, words out. The only home of click; what is heavy is imported when a command runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import __version__
from .errors import EnsemblerError, StorageError

if TYPE_CHECKING:
    from .competition.layout import Hints
    from .console import ConsoleProgress
    from .storage import Workspace
    from .workflows.results import Fetched, MemberResult, Scored, StackResult

F = TypeVar("F", bound=Callable[..., Any])
INTERRUPTED = 130


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


def _fail(text: str, code: int = 1) -> None:
    click.echo(f"Error: {text}" if code == 1 else text, err=True)
    sys.exit(code)


@click.group(context_settings={"auto_envvar_prefix": "ENSEMBLER", "help_option_names": ["-h", "--help"]})
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder of competitions.",
)
@click.option(
    "--submissions",
    type=click.Path(path_type=Path),
    default=Path("submissions"),
    show_default=True,
    help="Folder of CSVs.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress, warnings and errors only.")
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
    return click.option("-c", "--competition", metavar="NAME", help="Instead of the one last fetched or adopted.")(
        command
    )


def _json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def _hint_options(command: F) -> F:
    for option in (
        click.option("--positive", metavar="CLASS", help="Class that a binary answer is the probability of."),
        click.option("--labels", metavar="FILE", help="Table of labels, relative to the competition's files."),
        click.option("--label-column", metavar="COLUMN", help="Column of that table with the class."),
        click.option("--sample", metavar="FILE", help="Sample submission, relative to the competition's files."),
        click.option("--incomplete-labels", is_flag=True, help="Leave out photos that the table does not label."),
    ):
        command = option(command)
    return command


def _hints(options: dict[str, Any]) -> Hints:
    from .competition.layout import Hints

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
@click.option(
    "--from",
    "archive",
    type=click.Path(path_type=Path),
    metavar="FILE.zip",
    help="A zip downloaded by the browser.",
)
@click.option("--force", is_flag=True, help="Download, unpack and find out anew.")
@_hint_options
@click.pass_obj
def fetch(context: Context, /, competition: str, archive: Path | None, *, force: bool, **hints: Any) -> None:
    """Download a competition, unpack it and find out its layout."""
    from .workflows.competitions import fetch as run

    with context.progress:
        fetched = run(competition, archive=archive, force=force, hints=_hints(hints), **context.common)
    _show_competition(fetched)


@commands.command()
@click.argument("photos", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("--name", required=True, help="What to call the competition.")
@click.option("--test-size", type=float, default=0.2, show_default=True, help="Share of the photos to predict.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses them.")
@click.option("--force", is_flag=True, help="Begin anew with a name that is in use.")
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
@click.option("--members", required=True, callback=_members, metavar="A,B,C", help="Backbones, such as b0,b2,b3.")
@_competition_option
@click.option("--folds", type=int, default=5, show_default=True, help="Folds, shared by all members.")
@click.option(
    "--weights",
    default="imagenet",
    show_default=True,
    metavar="imagenet|none|FOLDER",
    help="What networks start from.",
)
@click.option(
    "--unfreeze",
    type=click.Choice(["none", "all"]),
    help="What is trained; by default all if there is a GPU.",
)
@click.option("--epochs", type=int, help="Passes of fine-tuning.")
@click.option("--image-size", type=int, help="Height and width in pixels; each backbone's own by default.")
@click.option("--batch-size", type=int, default=32, show_default=True, help="Photos a step.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of folds, weights and order.")
@click.option("--restart", is_flag=True, help="Forget what these members learned before.")
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
    _show_members(results, [])


@commands.command()
@click.option("--members", callback=_members, metavar="A,B,C", help="Trained members; all of them by default.")
@click.option("--name", help="Of the stack; by default its members' names.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the meta-learner.")
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
@click.option("-m", "--message", default="", help="Description on Kaggle.")
@_competition_option
@_json_option
@click.pass_obj
def submit(context: Context, /, csv: Path | None, *, as_json: bool, **options: Any) -> None:
    """Check a CSV (the newest by default), upload it, print the public score."""
    from .workflows.submitting import submit as run

    with context.progress:
        result = run(csv, **options, **context.common)
    if as_json:
        click.echo(json.dumps(vars(result)))
    elif result.public is None:
        click.echo(f"Uploaded as {result.ref}; Kaggle has not scored it yet ({result.status.lower()}).")
    else:
        click.echo(f"Public score: {result.public}")


@commands.command()
@click.argument("csv", required=False, type=click.Path(path_type=Path))
@click.option("--truth", type=click.Path(path_type=Path), help="CSV with columns id and label.")
@_competition_option
@_json_option
@click.pass_obj
def score(context: Context, /, csv: Path | None, *, as_json: bool, **options: Any) -> None:
    """Score a CSV (the newest by default) against hidden labels."""
    from .workflows.submitting import score as run

    with context.progress:
        result = run(csv, **options, **context.common)
    if as_json:
        click.echo(json.dumps({"log_loss": result.log_loss, "accuracy": result.accuracy}))
    else:
        _show_score(result)


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
    click.echo(f"  manifest  {fetched.folder.manifest} (correct it there if anything is wrong)")


def _show_members(results: list[MemberResult] | tuple[MemberResult, ...], more: list[list[str]]) -> None:
    from .console import print_table

    rows = [
        [
            result.name,
            f"{result.log_loss:.4f}",
            " ".join(f"{loss:.3f}" for loss in result.fold_log_losses),
            f"{result.accuracy:.4f}",
            f"{result.seconds:.0f}",
        ]
        for result in results
    ]
    print_table(["member", "log loss", "per fold", "accuracy", "seconds"], rows + more)


def _show_stack(result: StackResult, scored: Scored | None, *, as_json: bool) -> None:
    if as_json:
        members = [{"name": member.name, "score": member.log_loss} for member in result.members]
        paths = {"submission": str(result.submission), "model": str(result.model)}
        hidden = {"hidden_score": scored.log_loss} if scored else {}
        click.echo(json.dumps({"score": result.log_loss, "members": members, **paths, **hidden}, indent=2))
        return
    more = [
        ["plain mean", f"{result.mean_log_loss:.4f}", "", f"{result.mean_accuracy:.4f}", ""],
        ["stack (nested folds)", f"{result.log_loss:.4f}", "", f"{result.accuracy:.4f}", ""],
    ]
    _show_members(result.members, more)
    click.echo("")
    if scored:
        click.echo(f"hidden labels: log loss {scored.log_loss:.4f}, accuracy {scored.accuracy:.4f}")
    click.echo(f"submission     {result.submission}")
    click.echo(f"model          {result.model} (repeats the stored predictions to {result.difference:.1g})")
    for member in result.members:
        click.echo(f"member         {member.folder}")


def _show_score(result: Scored) -> None:
    click.echo(f"{result.submission}: log loss {result.log_loss:.4f}, accuracy {result.accuracy:.4f}")


def _member_json(result: MemberResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "score": result.log_loss,
        "accuracy": result.accuracy,
        "folds": list(result.fold_log_losses),
        "seconds": result.seconds,
        "folder": str(result.folder),
    }
