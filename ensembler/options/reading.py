"""Reading and checking of options from any source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

from ..callers import format_option
from ..errors import BadChoice
from .declared import (
    EngineOptions,
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

# Options that describe a single phase, in place of ``phases``.
SINGLE_PHASE_OPTIONS = ("unfreeze", "epochs", "learning_rate", "batch_norm")
# Options of a whole run. Tables of members cannot contain them.
SHARED_OPTIONS = ("backbones", "data_parallel")
# Former names, and names that the command line uses for repeated options.
_ALIASES = {"phase": "phases", "backbone": "backbones", "augment": "augmentation"}
# Entry of an attribute in a docstring.
_ENTRY = re.compile(r"^(\w+)\n((?: .*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Option:
    """One option as declared in :mod:`.declared`.

    Attributes
    ----------
    name
        Name in Python and in files.
    section
        Title of its group.
    kind
        Annotated type.
    description
        Description in one or two sentences.
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
        """Value if no other source sets one. None if another source always does."""
        return (find_declaration(self.kind).extra or {})["default"]

    @property
    def help(self) -> str:
        """Description and default."""
        if self.default is None or self.default is False:
            return self.description
        default = f"{self.default:g}" if isinstance(self.default, float) else self.default
        return f"{self.description} By default {default}."

    @property
    def is_repeated(self) -> bool:
        """Whether the command line accepts it several times."""
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
ENGINE = _list_options(EngineOptions)
OPTIONS = _list_options(StartOptions, FineTuningOptions, HeadOptions, PhotoOptions, StepOptions)
DEFAULTS = cast(TrainingOptions, {name: each.default for name, each in OPTIONS.items() if each.default is not None})


def show_options(*known: Mapping[str, Option]) -> Callable[[F], F]:
    """Show the keywords of ``**options`` one by one in the signature and docstring of the decorated function."""

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        parameters = [found for found in signature.parameters.values() if found.kind is not found.VAR_KEYWORD]
        lines = [inspect.cleandoc(function.__doc__ or ""), "", "Options", "-------"]
        for option in (option for group in known for option in group.values()):
            keyword = inspect.Parameter.KEYWORD_ONLY
            # Without the declaration, which `help` would print in full.
            kind = get_args(option.kind)[0] if get_origin(option.kind) is Annotated else option.kind
            parameters.append(inspect.Parameter(option.name, keyword, default=None, annotation=kind | None))
            lines.append(f"    {option.name}\n        {option.help}")
        function.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        function.__doc__ = "\n".join(lines)
        return function

    return decorate


def read_options(
    data: Mapping[str, Any],
    where: str = "",
    *,
    known: Mapping[str, Option] = OPTIONS,
    excluded: Iterable[str] = (),
) -> TrainingOptions:
    """Read and check options from any source.

    Parameters
    ----------
    data
        Values by name. Names may contain dashes instead of underscores, and numbers may be text. None leaves
        an option open.
    where
        File and table that contain the options. Empty for the command line and Python.
    known
        Options that exist.
    excluded
        Options that are not allowed in this place.

    Raises
    ------
    BadChoice
        If a name is unknown or given twice, a value does not fit, or phases are given in two ways.
    """
    options: dict[str, Any] = {}
    allowed = known.keys() - set(excluded)
    for given, value in data.items():
        name = given.replace("-", "_")
        name = _ALIASES.get(name, name)
        if name not in allowed:
            raise BadChoice.from_unknown_name(f"option in {where}" if where else "option", given, allowed)
        if name in options:
            raise BadChoice(f"{where or 'The call'} sets {name} twice: remove one of them.")
        if value is None:
            continue
        label = f"{given} in {where}" if where else format_option(name)
        options[name] = read_value(label, known[name].kind, value)
    if "phases" in options and (single := [name for name in SINGLE_PHASE_OPTIONS if name in options]):
        raise make_phase_conflict(single, where and f" in {where}", in_file=bool(where))
    return cast(TrainingOptions, options)


def make_phase_conflict(single: Sequence[str], where: str, *, in_file: bool = False) -> BadChoice:
    """Create the error of phases that are given both by ``phases`` and by options of a single phase."""
    phases, *names = ["phases", *single] if in_file else map(format_option, ("phases", *single))
    return BadChoice(
        f"Use either {phases} or {' and '.join(names)}{where}: a phase sets the trainable part, epochs and rate."
    )
