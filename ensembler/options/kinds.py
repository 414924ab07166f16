"""Declares what an argument takes, and reads its values: text, values of a TOML file and Python values alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from ..errors import BadChoice

Reader = Callable[[Any], Any]

_LIMITS = (("ge", "at least"), ("gt", "above"), ("lt", "below"), ("le", "at most"))


class InvalidValue(ValueError):
    """A value does not fit. The text continues after the argument's name, as in ``must be some text``."""


def declare(metavar: str = "", *, default: Any = None, read: Reader | None = None, **limits: Any) -> msgspec.Meta:
    """Declare an argument: the annotation of its type.

    Parameters
    ----------
    metavar
        Placeholder of its value in help texts, alternatives separated by ``|``; empty for words of a ``Literal`` and
        for yes or no, ``flag`` for yes alone.
    default
        Value where nothing else decides.
    read
        Reads a value that msgspec does not know. Raises InvalidValue.
    **limits
        Limits as :class:`msgspec.Meta` takes them, such as ``ge=0, lt=1``.
    """
    return msgspec.Meta(extra={"metavar": metavar, "default": default, "read": read}, **limits)


def find_declaration(kind: Any) -> msgspec.Meta:
    """Return the declaration that annotates a type; an empty one if there is none."""
    notes = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((note for note in notes if isinstance(note, msgspec.Meta)), declare())


def list_words(kind: Any) -> list[str]:
    """List what a type takes: words of a ``Literal``, or the parts of its placeholder."""
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    metavar: str = (find_declaration(kind).extra or {})["metavar"]
    return list(get_args(base)) if get_origin(base) is Literal else metavar.split("|")


def read_value(label: str, kind: Any, value: object) -> Any:
    """Read the value of an argument.

    Parameters
    ----------
    label
        Name of the argument, for the error.
    kind
        A type, annotated or not, or a function that reads values.
    value
        A value of that type, or text.

    Raises
    ------
    BadChoice
        If the value does not fit.
    """
    read = kind if callable(kind) and not isinstance(kind, type) and not get_origin(kind) else None
    read = read or (find_declaration(kind).extra or {}).get("read") or _make_reader(kind)
    try:
        return read(value)
    except InvalidValue as unfit:
        raise BadChoice(f"{label} {unfit}. Received: {value}") from unfit


def _make_reader(kind: Any) -> Reader:
    def read(value: object) -> Any:
        try:
            found = msgspec.convert(value, kind, strict=not isinstance(value, str))
        except (msgspec.ValidationError, OverflowError) as error:
            raise InvalidValue(_describe_kind(kind)) from error
        if (isinstance(found, float) and not math.isfinite(found)) or (isinstance(found, str) and not found.strip()):
            raise InvalidValue(_describe_kind(kind))
        return found

    return read


def _describe_kind(kind: Any) -> str:
    """Say what a type takes, as the end of a sentence."""
    words = list_words(kind)
    if len(words) > 1:
        return f"takes {', '.join(words[:-1])} or {words[-1]}"
    declared = find_declaration(kind)
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    noun = {int: "a whole number", float: "a number", bool: "true or false"}.get(base, "some text")
    limits = [(word, getattr(declared, name)) for name, word in _LIMITS]
    parts = [f"{word} {limit:.10g}" for word, limit in limits if limit is not None]
    return f"must be {noun}{', ' if parts else ''}{' and '.join(parts)}"
