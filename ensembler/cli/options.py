"""How options are declared, and those that several commands have."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
SECONDS_PER_DAY = 24 * 60 * 60


class Option(click.Option):
    """An option whose environment variable has the name that a person types, whatever the parameter is called.

    Parameters
    ----------
    section
        Title of its section in the help.
    former
        Former spellings, which still work and are not shown.
    """

    def __init__(
        self, *arguments: Any, section: str = "Options", former: Sequence[str] = (), **attributes: Any
    ) -> None:
        super().__init__(*arguments, **attributes)
        self.section = section
        self.former = list(former)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Have the parser know former spellings too."""
        shown = self.opts
        self.opts = [*shown, *self.former]
        super().add_to_parser(parser, ctx)
        self.opts = shown

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Look for ``ENSEMBLER_COMMAND_OPTION``."""
        typed = (name.lstrip("-").replace("-", "_").upper() for name in (max(self.opts, key=len), *self.former))
        values = (os.environ.get(f"{ctx.auto_envvar_prefix}_{name}") for name in typed)
        return next(filter(None, values), None)


option = functools.partial(click.option, cls=Option)


class SectionedCommand(click.Command):
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


class PhraseType(click.types.StringParamType):
    """Text with spaces in it; an environment variable separates several by semicolons."""

    envvar_list_splitter = ";"


def add_competition_option(command: F) -> F:
    """Add the choice of the competition."""
    return option("-c", "--competition", metavar="NAME", help="Instead of the one last fetched or adopted.")(command)


def add_timeout_option(command: F) -> F:
    """Add the limit of a wait for Kaggle."""
    return option(
        "--timeout",
        type=click.IntRange(1, SECONDS_PER_DAY),
        default=60,
        show_default=True,
        metavar="SECONDS",
        help="Without an answer from Kaggle, after which a question is repeated.",
    )(command)


def add_json_option(command: F) -> F:
    """Add the choice of JSON."""
    return option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def add_runtime_option(command: F) -> F:
    """Add the choice of what networks predict on."""
    text = "What predicts without a GPU: keras, graph, onnx, or auto for the fastest, the default."
    return option("--runtime", metavar="NAME", help=text)(command)


def add_cache_limit_option(command: F) -> F:
    """Add the limit of photos that lie decoded on the disk."""
    text = "Of decoded photos on the disk, such as 20GB; 0 for none; by default half of what is free."
    return option("--cache-limit", metavar="SIZE", help=text)(command)


def parse_member_names(_context: click.Context, _option: click.Parameter, value: str | None) -> list[str] | None:
    """Read names that are separated by commas."""
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]
