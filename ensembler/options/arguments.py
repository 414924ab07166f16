"""Checks of the arguments of public functions, by their annotations, before any work."""

from __future__ import annotations

import functools
import inspect
import os
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Annotated, Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from ..callers import address_competition, format_option
from ..errors import BadChoice
from ..paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, PathLike, Workspace, WorkspaceLike
from .durations import read_duration, read_photo_time
from .kinds import InvalidValue, declare, read_value

P = ParamSpec("P")
R = TypeVar("R")

# Names of members or backbones. A single text is one name, or several with commas as on the command line.
Names = str | Sequence[str]
# Files and folders. A single one needs no list.
Paths = PathLike | Sequence[PathLike]
# Texts of any content. A single one needs no list.
Texts = str | Iterable[str]
Count = Annotated[int, declare("N", ge=1)]
Share = Annotated[float, declare("SHARE", ge=0, le=1)]
Seconds = Annotated[float, declare("SECONDS", gt=0)]


def check_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Check the arguments of each call by the annotations of the function, and make a list of a single name or path.

    ``**options`` are left to :func:`.reading.read_options`. Wrong names of arguments stay a ``TypeError``.
    """
    signature = inspect.signature(function)

    @functools.cache
    def find_kinds() -> dict[str, Any]:
        # Late, because the evaluation of all annotations would slow down the import.
        return get_type_hints(function, include_extras=True)

    @functools.wraps(function)
    def call_checked(*arguments: P.args, **keywords: P.kwargs) -> R:
        bound = signature.bind(*arguments, **keywords)
        for name, value in bound.arguments.items():
            kind = find_kinds().get(name)
            if kind is not None and signature.parameters[name].kind is not inspect.Parameter.VAR_KEYWORD:
                bound.arguments[name] = _read_argument(format_option(name), kind, value)
        _refuse_other_workspace(bound.arguments)
        with address_competition(_find_other_competition(find_kinds(), bound.arguments)):
            return function(*bound.args, **bound.kwargs)

    return call_checked


def _refuse_other_workspace(arguments: Mapping[str, Any]) -> None:
    """Check that the given workspace is that of the handle, which would win without a word."""
    workspace, folder = arguments.get("workspace"), getattr(arguments.get("competition"), "folder", None)
    if isinstance(workspace, Workspace) and isinstance(folder, CompetitionFolder):
        own, given = ((one.data.resolve(), one.submissions.resolve()) for one in (folder.workspace, workspace))
        if own != given:
            raise BadChoice(
                f"The handle of {folder.name} belongs to the workspace of {own[0]} and {own[1]}, but the argument "
                f"workspace is that of {given[0]} and {given[1]}: leave that argument out, or pass the name of the "
                "competition."
            )


def _find_other_competition(kinds: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """Return the name of the competition that a call uses. Empty if commands use it by default, or none is used."""
    competition = arguments.get("competition")
    if competition is None or kinds.get("competition") != CompetitionLike | None:
        return ""
    if not isinstance(competition, str):
        name: str = competition.folder.name_if_not_current
        return name
    workspace: Workspace = arguments.get("workspace", DEFAULT_WORKSPACE)
    return "" if competition == workspace.read_current_name() else competition


def _read_argument(label: str, kind: Any, value: object) -> Any:
    """Return the value of an argument as its function takes it.

    Raises
    ------
    BadChoice
        If the value does not fit.
    """
    if get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind):
        if value is None:
            return None
        kind = Union[tuple(one for one in get_args(kind) if one is not type(None))]  # noqa: UP007 - of a tuple
    if kind is str:
        return read_value(label, _read_text, value)
    for known, read in _READERS:
        if kind == known:
            return read_value(label, read, value)
    if isinstance(kind, type) and kind.__module__.startswith("ensembler."):
        return read_value(label, functools.partial(_read_instance, kind), value)
    return read_value(label, kind, value)


def _read_text(value: object) -> str:
    # Unlike an option's value, a description may be empty.
    if not isinstance(value, str):
        raise InvalidValue("must be text")
    return value


def _read_names(value: object) -> list[str]:
    names = value.split(",") if isinstance(value, str) else _list_items(value)
    if not all(isinstance(name, str) for name in names):
        raise InvalidValue("takes names in a list, or a single name")
    found = [stripped for name in names if (stripped := name.strip())]
    if not found:
        raise InvalidValue("takes at least one name")
    return found


def _read_path(value: object) -> object:
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise InvalidValue("must be a path")
    if not os.fspath(value):
        raise InvalidValue("must be a path that is not empty")
    return value


def _read_paths(value: object) -> list[object]:
    paths = [_read_path(one) for one in ([value] if isinstance(value, str | os.PathLike) else _list_items(value))]
    if not paths:
        raise InvalidValue("takes at least one file or folder")
    return paths


def _read_texts(value: object) -> tuple[object, ...]:
    # A single text is a single item, whatever it contains.
    items = [value] if isinstance(value, str | os.PathLike) or not isinstance(value, Iterable) else value
    texts = tuple(os.fspath(item) if isinstance(item, os.PathLike) else item for item in items)
    if not all(isinstance(text, str) and text for text in texts):
        raise InvalidValue("must be text, or a list of texts that are not empty")
    return texts


def _list_items(value: object) -> list[Any]:
    if not isinstance(value, Iterable) or isinstance(value, bytes):
        raise InvalidValue("takes a list")
    return list(value)


def _read_workspace(value: object) -> Workspace:
    return value if isinstance(value, Workspace) else Workspace.read(_read_path(value))  # type: ignore[arg-type]


def _read_competition(value: object) -> object:
    if isinstance(value, str) or isinstance(getattr(value, "folder", None), CompetitionFolder):
        return value
    raise InvalidValue("must be the name of a competition, or its handle")


def _check(read: Callable[[object], float]) -> Callable[[object], object]:
    def check(value: object) -> object:
        # Messages repeat the length of time as it was typed.
        read(value)
        return value

    return check


def _read_instance(kind: type, value: object) -> object:
    if not isinstance(value, kind):
        raise InvalidValue(f"must be an instance of {kind.__name__}")
    if not is_dataclass(value) or isinstance(value, type):
        return value
    # Fields that are options too, as those of Hints. A file among them may be a path.
    changed = {}
    for name, field_kind in get_type_hints(kind).items():
        given = getattr(value, name)
        if field_kind == tuple[str, ...]:
            changed[name] = read_value(format_option(name), _read_texts, given)
        elif field_kind in (bool, str | None):
            text = os.fspath(given) if isinstance(given, os.PathLike) else given
            read = _read_argument(format_option(name), field_kind, text)
            if read != given:
                changed[name] = read
    return replace(value, **changed) if changed else value


Duration = Annotated[str | float, declare("TIME", read=_check(read_duration))]
PhotoTime = Annotated[str | float, declare("TIME", read=_check(read_photo_time))]
_READERS: tuple[tuple[Any, Callable[[object], Any]], ...] = (
    (CompetitionLike, _read_competition),
    (WorkspaceLike, _read_workspace),
    (PathLike, _read_path),
    (Names, _read_names),
    (Paths, _read_paths),
    (Texts, _read_texts),
)
