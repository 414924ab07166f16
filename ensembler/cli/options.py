"""Kinds of options and commands, and the options that several commands share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ..callers import address_competition
from .context import Context

PATH = click.Path(path_type=Path)
F = TypeVar("F", bound=Callable[..., Any])


class Option(click.Option):
    """An option whose environment variable is named after the option, not after the parameter.

    Parameters
    ----------
    section
        Title of the option's section in the help.
    former
        Former spellings. They still work, but the help omits them.
    """

    def __init__(
        self, *arguments: Any, section: str = "Options", former: Sequence[str] = (), **attributes: Any
    ) -> None:
        attributes["show_default"] = attributes.get("default") not in (None, "")
        super().__init__(*arguments, **attributes)
        self.section = section
        self.former = list(former)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Add the option to the parser with its former spellings."""
        shown = self.opts
        self.opts = [*shown, *self.former]
        super().add_to_parser(parser, ctx)
        self.opts = shown

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value of ``ENSEMBLER_COMMAND_OPTION``, or of the variable of a former spelling."""
        return os.environ.get(self.find_variable(ctx) or "")

    def find_variable(self, ctx: click.Context) -> str | None:
        """Return the name of the variable that sets the option, or None."""
        typed = (name.lstrip("-").replace("-", "_").upper() for name in (max(self.opts, key=len), *self.former))
        names = (f"{ctx.auto_envvar_prefix}_{name}" for name in typed)
        return next(filter(os.environ.get, names), None)


option = functools.partial(click.option, cls=Option)


class SectionedCommand(click.Command):
    """A command whose help lists its options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section under its title, in the order of the parameters."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


class PhraseType(click.types.StringParamType):
    """Text that may contain spaces. Semicolons separate several values in an environment variable."""

    envvar_list_splitter = ";"


def _name_competition(context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Let suggested commands name the competition too, unless it is the current one."""
    if value and isinstance(context.obj, Context):
        context.with_resource(address_competition("" if context.obj.is_current(value) else value))
    return value


add_competition_option = option(
    "-c",
    "--competition",
    metavar="NAME",
    callback=_name_competition,
    help="Name of the competition. By default the one last fetched or adopted.",
)
add_timeout_option = option(
    "--timeout",
    type=click.IntRange(1, 24 * 60 * 60),
    default=60,
    metavar="SECONDS",
    help="Seconds without a reply from Kaggle after which a request is repeated.",
)
add_plot_option = option(
    "--plot", type=PATH, metavar="FILE", help="Draw charts into this file, which ends with .png, .svg or .pdf."
)
add_json_option = option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def parse_member_names(_context: click.Context, _option: click.Parameter, value: str | None) -> list[str] | None:
    """Split names that are separated by commas."""
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]
