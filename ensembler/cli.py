"""Words in, one workflow, words out. The only home of click; what is heavy is imported when a command runs."""

from __future__ import annotations

import functools
import io
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

    def __init__(self, *arguments: Any, section: str = "Options", **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.section = section

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Look for ``ENSEMBLER_COMMAND_OPTION``."""
        typed = max(self.opts, key=len).lstrip("-").replace("-", "_").upper()
        return os.environ.get(f"{ctx.auto_envvar_prefix}_{typed}") or None


_option = functools.partial(click.option, cls=_Option)


class _Sectioned(click.Command):
    """A command whose help lists its options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section under its title, in the order in which they come first."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


class _Phrase(click.types.StringParamType):
    """Text with spaces in it; an environment variable separates several by semicolons."""

    envvar_list_splitter = ";"


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
    _print_any_letter()
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


def _print_any_letter() -> None:
    """Have a letter that standard output cannot hold printed by its number: pipes on Windows know a few hundred."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


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


# Options of training by section: what is typed, how its value is written, and its help. They are passed on as text:
# one place checks them, whether they come from here, from a file or from Python.
_TRAINING: dict[str, list[tuple[list[str], str | None, str]]] = {
    "Start": [
        (["--weights"], "imagenet|none|FOLDER", "What networks start from; imagenet by default."),
        (["--backbone", "backbones"], "[NAME=]SPEC", "A backbone of your own; see docs/training.md. Repeatable."),
        (["--head"], "fitted|random", "Fitted on frozen features first, or random."),
        (["--image-size"], "PIXELS", "Height and width; each backbone's own by default."),
        (["--seed"], "N", "Of folds, random weights, order and augmentation; 0 by default."),
    ],
    "Fine-tuning": [
        (["--unfreeze"], "none|all|last:N|from:BLOCK", "What is trained of the backbone."),
        (["--epochs"], "N", "Passes over the photos."),
        (["--learning-rate"], "RATE", "The highest, of the head."),
        (["--batch-norm"], "frozen|train", "Whether BatchNormalization is trained."),
        (
            ["--phase", "phases"],
            "PHASE",
            "Instead of those four, such as 'from:block5 epochs=5 learning-rate=1e-3'. Repeatable.",
        ),
        (["--first-block-rate"], "SHARE", "Learning rate of the first block, as a share of the head's."),
        (["--patience"], "EPOCHS", "Without a better log loss before a phase ends; 0 for never."),
    ],
    "Head": [
        (["--pooling"], "average|max", "From maps to features."),
        (["--hidden"], "UNITS", "Of a dense layer before the last one; 0 for none."),
        (["--dropout"], "SHARE", "Of what enters a dense layer."),
    ],
    "Photos and labels": [
        (["--flips/--no-flips"], None, "Whether mirrored photos are as good as others."),
        (["--augment", "augmentation"], "none|crops|pixels|strong", "Of photos in fine-tuning."),
        (["--tta"], "none|flip|crops", "Views that are averaged in prediction."),
        (["--label-smoothing"], "SHARE", "Of each label, spread over all classes."),
        (["--class-weights"], "none|balanced", "Balanced: rare classes count as much as others."),
    ],
    "Steps": [
        (["--batch-size"], "PHOTOS", "In a step; by default what memory allows."),
        (["--weight-decay"], "RATE", "Of AdamW, on kernels alone."),
        (["--clip-norm"], "NORM", "Largest norm of all gradients; 0 for no limit."),
        (["--ema"], "SHARE", "Of the running mean of the weights kept at each step; 0 for none."),
        (["--precision"], "auto|float32|bfloat16|float16", "Of the layers' arithmetic."),
        (["--data-parallel/--no-data-parallel"], None, "Whether all GPUs share each step of one network."),
    ],
}


def _training_options(command: F) -> F:
    """Add what decides how members are trained."""
    for section, rows in reversed(_TRAINING.items()):
        for names, metavar, text in reversed(rows):
            several = names[-1] in ("phases", "backbones")
            kind: dict[str, Any] = {"default": None} if metavar is None else {"type": _Phrase(), "metavar": metavar}
            command = _option(*names, help=text, section=section, multiple=several, **kind)(command)
    for option in (
        _option("--config", type=click.Path(path_type=Path), metavar="FILE.toml", help="Options as `config` prints."),
        _option("--preset", metavar="quick|good|best", help="Sets options together; good by default."),
    ):
        command = option(command)
    return command


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that a person gave."""
    return {name: value for name, value in options.items() if value not in (None, ())}


@commands.command("train-members", cls=_Sectioned)
@_option("--members", required=True, callback=_members, metavar="A,B,C", help="Backbones, such as b0,b2,b3.")
@_competition_option
@_option("--folds", type=int, default=5, show_default=True, help="Folds, shared by all members.")
@_option("--restart", is_flag=True, help="Forget what these members learned before.")
@_option(
    "--show-augmented",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Draw what the first member would be trained on, and train nothing.",
)
@_json_option
@_training_options
@click.pass_obj
def train_members(
    context: Context, /, members: list[str], *, as_json: bool, show_augmented: Path | None, **options: Any
) -> None:
    """Train backbones over all folds; finished folds are kept.

    What is left open is chosen by preset, backbone and machine: `ensembler config` prints it with its reasons.
    """
    from .workflows.training import train_members as run

    if show_augmented:
        _draw_augmented(context, show_augmented, members, **options)
        return
    with context.progress:
        results = run(members, **_given(options), **context.common)
    if as_json:
        click.echo(json.dumps({"members": [_member_json(result) for result in results]}, indent=2))
        return
    _show_members(results)


def _draw_augmented(
    context: Context, file: Path, members: list[str], *, folds: int, restart: bool, **options: Any
) -> None:
    from .workflows.augmented_photos import show_augmented

    del folds, restart  # nothing is trained
    with context.progress:
        drawn = show_augmented(file, members, **_given(options), **context.common)
    click.echo(f"{drawn.file}: {drawn.member} with --augment {drawn.augmentation}; nothing was trained.")


# It reads the environment variables of the command whose options it tells.
@commands.command("config", cls=_Sectioned, context_settings={"auto_envvar_prefix": "ENSEMBLER_TRAIN_MEMBERS"})
@_option("--members", callback=_members, metavar="A,B,C", help="Backbones, each with what it has of its own.")
@_training_options
@click.pass_obj
def show_config(_context: Context, /, members: list[str] | None, **options: Any) -> None:
    """Print the options of training in force, and where each comes from; --config takes what it prints."""
    from .workflows.configuration_text import config as run

    click.echo(run(members, **_given(options)), nl=False)


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
