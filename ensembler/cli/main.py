"""The program: its commands, and the output of errors."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from .. import __version__
from ..callers import address_command_line
from ..errors import BadChoice, EnsemblerError, Interrupted, InvalidSubmission, StorageError
from .backbone_commands import backbones
from .check_commands import check
from .competition_commands import adopt, fetch, layout
from .context import Context
from .endings import EXIT_INTERRUPTED, EXIT_WRONG_CALL, CommandExit, describe_outcome, fail
from .explanation_commands import explain
from .export_commands import export
from .fold_commands import folds
from .member_commands import members, status
from .options import PATH, Option, option
from .prediction_commands import predict
from .report_commands import report
from .slurm_commands import slurm_script
from .stack_commands import demo, score, stack
from .submission_commands import notebook, submissions, submit
from .survey_commands import survey
from .training_commands import distill, show_config, train_members


@click.group(context_settings={"auto_envvar_prefix": "ENSEMBLER", "help_option_names": ["-h", "--help"]})
@option("--data", type=PATH, default=Path("data"), help="Folder of competitions.")
@option("--submissions", type=PATH, default=Path("submissions"), help="Folder of submissions.")
@option("-q", "--quiet", is_flag=True, help="Print only errors and results.")
@option("-v", "--verbose", is_flag=True, help="Also print details, such as caches and waits. May follow the command.")
@option(
    "--events",
    type=PATH,
    metavar="FILE.jsonl",
    help="File to which all events are appended as lines of JSON, see docs/progress.md.",
)
@click.version_option(__version__, prog_name="ensembler")
@click.pass_context
def commands(
    context: click.Context, data: Path, submissions: Path, *, quiet: bool, verbose: bool, events: Path | None
) -> None:
    """From a Kaggle image competition's slug to a scored submission.

    \b
    ensembler fetch SLUG                        download, unpack, detect the layout
    ensembler survey                            find out which backbones are worth training
    ensembler train-members --members b0,b2,b3  train each backbone, fold by fold
    ensembler stack                             stack, score by nested folds, write the CSV
    ensembler submit                            check, upload, show the public score
    ensembler status                            show the state and what to do next
    ensembler report                            write a page that explains it all

    Every option can be set by an environment variable: ENSEMBLER_DATA, ENSEMBLER_TRAIN_MEMBERS_FOLDS, ...
    """  # noqa: D301 - click's mark for lines to keep is a backspace, not a backslash
    folders = [
        word
        for name, path in (("data", data), ("submissions", submissions))
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        for word in (f"--{name}", str(path))
    ]
    context.with_resource(address_command_line(folders))
    if context.invoked_subcommand and not any(flag in sys.argv for flag in ("-h", "--help")):
        contexts: list[Context] = context.obj if isinstance(context.obj, list) else []
        context.obj = Context(data, submissions, quiet=quiet, verbose=verbose, events=events)
        context.obj.report_start(context.invoked_subcommand)
        contexts.append(context.obj)


def _make_verbose(context: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        context.obj.console.verbose = True


for _command in (
    demo,
    fetch,
    adopt,
    layout,
    check,
    folds,
    backbones,
    survey,
    show_config,
    train_members,
    members,
    stack,
    distill,
    predict,
    export,
    explain,
    score,
    submit,
    submissions,
    notebook,
    status,
    report,
    slurm_script,
):
    # The option is also accepted after the command.
    _command.params.append(
        Option(
            ["-v", "--verbose"],
            is_flag=True,
            hidden=True,
            expose_value=False,
            callback=_make_verbose,
            help="Also print details.",
        )
    )
    commands.add_command(_command)


def main() -> None:
    """Run the command line. Print an ``EnsemblerError`` as one line, and exit with 1, or with 2 for a ``BadChoice``.

    A bug keeps its traceback.
    """
    _escape_unencodable()
    contexts: list[Context] = []
    with address_command_line(), _report_end(contexts):
        _run_command(contexts)


@contextlib.contextmanager
def _report_end(contexts: list[Context]) -> Iterator[None]:
    """Report the end of all commands that start in the block."""
    outcome = 0, ""
    try:
        yield
    except BaseException as error:
        outcome = describe_outcome(error)
        raise
    finally:
        for context in contexts:
            context.report_end(*outcome)


def _run_command(contexts: list[Context]) -> None:
    try:
        commands.main(standalone_mode=False, obj=contexts)
    except InvalidSubmission as error:
        _show_problems(error)
        fail(f"{error.headline}.")
    except EnsemblerError as error:
        fail(str(error), EXIT_WRONG_CALL if isinstance(error, BadChoice) else 1)
    except click.exceptions.Abort as error:
        # Click converts every KeyboardInterrupt. The package's own contains the position of the work.
        interruption = error.__cause__ if isinstance(error.__cause__, Interrupted) else Interrupted()
        fail(str(interruption), EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        raise CommandExit(error.exit_code, error.format_message()) from None
    except OSError as error:
        if not StorageError.is_refusal(error):
            raise
        fail(str(StorageError.from_os(error)))


def _escape_unencodable() -> None:
    """Print characters that standard output cannot encode, as in pipes on Windows, by their numbers."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _show_problems(error: InvalidSubmission) -> None:
    from ..tables import Table

    columns = ["problem", "first seen"]
    Table(columns, error.problems, text_columns=columns).write(sys.stderr)
