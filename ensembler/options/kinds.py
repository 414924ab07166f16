"""Declarations of arguments, and a reader of their values: text, values of a TOML file and Python values."""

from __future__ import annotations

import math
import numbers
import types
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from ..errors import BadChoice

Reader = Callable[[Any], Any]

_NOUNS = {int: "a whole number", float: "a number", bool: "true or false"}
_LIMITS = (("ge", "at least"), ("gt", "above"), ("lt", "below"), ("le", "at most"))


# Maximum number of letters of a wrong value in an error.
_MAX_SHOWN = 500


class InvalidValue(ValueError):
    """A value does not fit. The text continues after the argument's name, as in ``must be text``."""


def declare(metavar: str = "", *, default: Any = None, read: Reader | None = None, **limits: Any) -> msgspec.Meta:
    """Declare an argument. The result annotates its type.

    Parameters
    ----------
    metavar
        Placeholder of the value in help texts, with alternatives separated by ``|``. Empty for a ``Literal`` or a
        boolean, and ``flag`` for a boolean that cannot be negated.
    default
        Value if no other source sets one.
    read
        Function that reads the value instead of msgspec. It raises InvalidValue.
    **limits
        Limits of :class:`msgspec.Meta`, such as ``ge=0, lt=1``.
    """
    return msgspec.Meta(extra={"metavar": metavar, "default": default, "read": read}, **limits)


# NumPy and Keras accept seeds of 32 bits, and folds add their number.
Seed = Annotated[int, declare("N", default=0, ge=0, lt=2**31)]


def find_declaration(kind: Any) -> msgspec.Meta:
    """Return the declaration that annotates a type. Without one, return an empty declaration."""
    notes = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((note for note in notes if isinstance(note, msgspec.Meta)), declare())


def list_words(kind: Any) -> list[str]:
    """List the values that a type accepts: words of a ``Literal``, or the parts of its placeholder."""
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    metavar: str = (find_declaration(kind).extra or {})["metavar"]
    return list(get_args(base)) if get_origin(base) is Literal else metavar.split("|")


def read_value(label: str, kind: Any, value: object) -> Any:
    """Read the value of an argument.

    Parameters
    ----------
    label
        Name of the argument in error messages.
    kind
        Type, annotated or not, or a function that reads values.
    value
        Value of that type, or text.

    Raises
    ------
    BadChoice
        If the value does not fit.
    """
    read = kind if callable(kind) and not isinstance(kind, type) and not get_origin(kind) else None
    read = read or (find_declaration(kind).extra or {}).get("read") or partial(_convert, kind)
    try:
        return read(value)
    except InvalidValue as error:
        raise BadChoice(f"{label} {error}. Received: {_show(value)}") from error


def _show(value: object) -> str:
    """Return a value as text, in one line and shortened if it is long."""
    text = " ".join(str(value).splitlines())
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]} ..."


def _convert(kind: Any, value: object) -> Any:
    if isinstance(value, numbers.Real) and not isinstance(value, bool | int | float):
        # Numbers of NumPy.
        value = int(value) if isinstance(value, numbers.Integral) else float(value)
    try:
        converted = msgspec.convert(value, kind, strict=not isinstance(value, str))
    except (msgspec.ValidationError, OverflowError) as error:
        raise InvalidValue(_describe_kind(kind)) from error
    if (isinstance(converted, float) and not math.isfinite(converted)) or not str(converted).strip():
        raise InvalidValue(_describe_kind(kind))
    return converted


def _describe_kind(kind: Any) -> str:
    """Return the end of a sentence that says which values a type accepts."""
    words = list_words(kind)
    if len(words) > 1:
        return f"takes {', '.join(words[:-1])} or {words[-1]}"
    declared = find_declaration(kind)
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    bases = get_args(base) if get_origin(base) in (Union, types.UnionType) else (base,)
    noun = " or ".join(_NOUNS.get(one, "text") for one in bases)
    limits = [(word, getattr(declared, name)) for name, word in _LIMITS]
    parts = [f"{word} {limit:.10g}" for word, limit in limits if limit is not None]
    return f"must be {noun}{', ' if parts else ''}{' and '.join(parts)}"
