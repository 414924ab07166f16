"""Options of training are read and checked here, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from ..errors import BadChoice
from .declared import TrainingOptions
from .kinds import Reader, checked, flag, one_of, text

# What a single phase is made of: options that say the same as ``phases``.
SINGLE_PHASE = ("unfreeze", "epochs", "learning_rate", "batch_norm")
# They hold for a whole run, so no member has its own.
RUN_WIDE = ("backbones", "data_parallel")
# What is typed where it is not the option's name.
_TYPED = {"phases": "phase", "backbones": "backbone", "augmentation": "augment"}
_SPELLINGS = {typed: name for name, typed in _TYPED.items()}


def _reader(hint: Any) -> Reader:
    """Give the check that a declared type asks for."""
    if get_origin(hint) is Annotated:
        reader: Reader = get_args(hint)[1]
        return reader
    if hint is bool:
        return flag
    if hint is str:
        return text
    return one_of(hint)


_READERS = {name: _reader(hint) for name, hint in get_type_hints(TrainingOptions, include_extras=True).items()}
OPTIONS = tuple(_READERS)


def typed(name: str) -> str:
    """Write an option as on the command line: ``--batch-size``."""
    return "--" + _TYPED.get(name, name).replace("_", "-")


def read_options(told: Mapping[str, Any], where: str = "", *, without: Iterable[str] = ()) -> TrainingOptions:
    """Check options, wherever they come from.

    Parameters
    ----------
    told
        Values by name; dashes are as good as underscores, and text as good as the number that it says.
    where
        File and table that they were read from; empty for the command line and Python.
    without
        Options that are not to be had there.

    Raises
    ------
    BadChoice
        If a name is unknown or given twice, a value does not fit, or phases are told in two ways.
    """
    found: dict[str, Any] = {}
    for given, value in told.items():
        name = _name(given, where, set(OPTIONS) - set(without))
        if name in found:
            raise BadChoice(f"{where or 'The command'} gives {name} twice: leave one out.")
        found[name] = checked(f"{given} in {where}" if where else typed(name), _READERS[name], value)
    _refuse_two_ways(found, where)
    return cast(TrainingOptions, found)


def _name(given: str, where: str, known: set[str]) -> str:
    name = given.replace("-", "_")
    name = _SPELLINGS.get(name, name)
    if name not in known:
        raise BadChoice.unknown(f"option in {where}" if where else "option", given, known)
    return name


def _refuse_two_ways(found: Mapping[str, Any], where: str) -> None:
    if "phases" in found and (single := [name for name in SINGLE_PHASE if name in found]):
        raise two_ways(single, f" in {where}" if where else "")


def two_ways(single: Sequence[str], where: str) -> BadChoice:
    """Make the error of phases that are told by ``--phase`` and by options of a single phase."""
    names = " and ".join(map(typed, single))
    return BadChoice(f"Give either phases or {names}{where}: a phase says what is unfrozen, how long and how fast.")
