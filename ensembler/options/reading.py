"""Options are read and checked here, wherever they come from."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast, get_type_hints

from ..callers import format_option
from ..errors import BadChoice
from .declared import (
    FineTuningOptions,
    HeadOptions,
    PhotoOptions,
    RunOptions,
    StartOptions,
    StepOptions,
    TrainingOptions,
)
from .kinds import find_declaration, list_words, read_value

F = TypeVar("F", bound=Callable[..., Any])

# What a single phase is made of: options that say the same as ``phases``.
SINGLE_PHASE_OPTIONS = ("unfreeze", "epochs", "learning_rate", "batch_norm")
# They hold for a whole run, so no member has its own.
SHARED_OPTIONS = ("backbones", "data_parallel")
# Former names, and those of options that are repeated on the command line.
_ALIASES = {"phase": "phases", "backbone": "backbones", "augment": "augmentation"}
# An attribute in a docstring.
_ENTRY = re.compile(r"^(\w+)\n((?: .*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Option:
    """One option, as it is declared in :mod:`.declared`.

    Attributes
    ----------
    name
        Name in Python and in files.
    section
        Title of its group.
    kind
        Annotated type.
    description
        What it does, in a sentence or two.
    """

    name: str
    section: str
    kind: Any
    description: str

    @property
    def metavar(self) -> str:
        """Placeholder of its value; see :func:`.declare`."""
        return "|".join(list_words(self.kind))

    @property
    def default(self) -> Any:
        """Value where nothing else decides; None where something always does."""
        return (find_declaration(self.kind).extra or {})["default"]

    @property
    def help(self) -> str:
        """Its description and default."""
        if self.default is None or self.default is False:
            return self.description
        default = f"{self.default:g}" if isinstance(self.default, float) else self.default
        return f"{self.description} By default {default}."

    @property
    def is_repeated(self) -> bool:
        """Whether the command line takes it several times."""
        return self.name in ("phases", "backbones")


def _list_options(*groups: type) -> dict[str, Option]:
    options = {}
    for group in groups:
        text = inspect.cleandoc(group.__doc__ or "") + "\n"
        descriptions = {name: " ".join(lines.split()) for name, lines in _ENTRY.findall(text)}
        for name, kind in get_type_hints(group, include_extras=True).items():
            options[name] = Option(name, text[: text.index(".")], kind, descriptions[name])
    return options


RUN = _list_options(RunOptions)
OPTIONS = _list_options(StartOptions, FineTuningOptions, HeadOptions, PhotoOptions, StepOptions)
DEFAULTS = cast(TrainingOptions, {name: each.default for name, each in OPTIONS.items() if each.default is not None})


def show_options(*known: Mapping[str, Option]) -> Callable[[F], F]:
    """Show the keywords of ``**options`` one by one in the signature and docstring of the decorated function."""

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        named = [found for found in signature.parameters.values() if found.kind is not found.VAR_KEYWORD]
        options = [option for group in known for option in group.values()]
        keywords = [
            inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=each.kind)
            for each in options
        ]
        function.__signature__ = signature.replace(parameters=[*named, *keywords])  # type: ignore[attr-defined]
        lines = [f"    {each.name}\n        {each.help}" for each in options]
        function.__doc__ = "\n".join([inspect.cleandoc(function.__doc__ or ""), "", "Options", "-------", *lines])
        return function

    return decorate


def read_options(
    data: Mapping[str, Any],
    where: str = "",
    *,
    known: Mapping[str, Option] = OPTIONS,
    excluded: Iterable[str] = (),
) -> TrainingOptions:
    """Check options, wherever they come from.

    Parameters
    ----------
    data
        Values by name. Dashes are as good as underscores, and text as good as the number that it says.
    where
        File and table that they were read from; empty for the command line and Python.
    known
        Options that exist.
    excluded
        Options that are not allowed there.

    Raises
    ------
    BadChoice
        If a name is unknown or given twice, a value does not fit, or phases are given in two ways.
    """
    options: dict[str, Any] = {}
    for given, value in data.items():
        name = _resolve_name(given, where, known.keys() - set(excluded))
        if name in options:
            raise BadChoice(f"{where or 'The call'} gives {name} twice: leave one out.")
        label = f"{given} in {where}" if where else format_option(name)
        options[name] = read_value(label, known[name].kind, value)
    if "phases" in options and (single := [name for name in SINGLE_PHASE_OPTIONS if name in options]):
        raise make_phase_conflict(single, where and f" in {where}", in_file=bool(where))
    return cast(TrainingOptions, options)


def _resolve_name(given: str, where: str, known: set[str]) -> str:
    name = given.replace("-", "_")
    name = _ALIASES.get(name, name)
    if name not in known:
        raise BadChoice.from_unknown_name(f"option in {where}" if where else "option", given, known)
    return name


def make_phase_conflict(single: Sequence[str], where: str, *, in_file: bool = False) -> BadChoice:
    """Make the error of phases that are given both by ``phases`` and by options of a single phase."""
    phases, *names = ["phases", *single] if in_file else map(format_option, ("phases", *single))
    return BadChoice(
        f"Give either {phases} or {' and '.join(names)}{where}: a phase says what is unfrozen, how long and how fast."
    )
