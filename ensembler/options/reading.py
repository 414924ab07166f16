"""Options of training are read and checked here, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from ..errors import BadChoice
from .declared import TrainingOptions
from .kinds import Reader, check_flag, check_text, make_choice_reader, read_value

# What a single phase is made of: options that say the same as ``phases``.
SINGLE_PHASE_OPTIONS = ("unfreeze", "epochs", "learning_rate", "batch_norm")
# They hold for a whole run, so no member has its own.
RUN_OPTIONS = ("backbones", "data_parallel")
# What is typed where it is not the option's name.
_CLI_NAMES = {"phases": "phase", "backbones": "backbone", "augmentation": "augment"}
_OPTION_NAMES = {typed: name for name, typed in _CLI_NAMES.items()}


def _make_reader(hint: Any) -> Reader:
    """Give the check that a declared type asks for."""
    if get_origin(hint) is Annotated:
        reader: Reader = get_args(hint)[1]
        return reader
    if hint is bool:
        return check_flag
    if hint is str:
        return check_text
    return make_choice_reader(hint)


_READERS = {name: _make_reader(hint) for name, hint in get_type_hints(TrainingOptions, include_extras=True).items()}
OPTIONS = tuple(_READERS)


def format_option(name: str) -> str:
    """Write an option as on the command line: ``--batch-size``."""
    return "--" + _CLI_NAMES.get(name, name).replace("_", "-")


def read_options(data: Mapping[str, Any], where: str = "", *, excluded: Iterable[str] = ()) -> TrainingOptions:
    """Check options, wherever they come from.

    Parameters
    ----------
    data
        Values by name; dashes are as good as underscores, and text as good as the number that it says.
    where
        File and table that they were read from; empty for the command line and Python.
    excluded
        Options that are not to be had there.

    Raises
    ------
    BadChoice
        If a name is unknown or given twice, a value does not fit, or phases are told in two ways.
    """
    options: dict[str, Any] = {}
    for given, value in data.items():
        name = _resolve_name(given, where, set(OPTIONS) - set(excluded))
        if name in options:
            raise BadChoice(f"{where or 'The command'} gives {name} twice: leave one out.")
        options[name] = read_value(f"{given} in {where}" if where else format_option(name), _READERS[name], value)
    _check_phase_conflict(options, where)
    return cast(TrainingOptions, options)


def _resolve_name(given: str, where: str, known: set[str]) -> str:
    name = given.replace("-", "_")
    name = _OPTION_NAMES.get(name, name)
    if name not in known:
        raise BadChoice.from_unknown_name(f"option in {where}" if where else "option", given, known)
    return name


def _check_phase_conflict(options: Mapping[str, Any], where: str) -> None:
    if "phases" in options and (single := [name for name in SINGLE_PHASE_OPTIONS if name in options]):
        raise make_phase_conflict(single, f" in {where}" if where else "")


def make_phase_conflict(single: Sequence[str], where: str) -> BadChoice:
    """Make the error of phases that are told by ``--phase`` and by options of a single phase."""
    names = " and ".join(map(format_option, single))
    return BadChoice(f"Give either phases or {names}{where}: a phase says what is unfrozen, how long and how fast.")
