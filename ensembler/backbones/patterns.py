"""Backbones named by patterns."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from ..errors import BadChoice
from .registry import BACKBONES, Backbone, list_spellings, resolve_backbone_name, simplify_name


def match_backbones(patterns: Sequence[str]) -> list[Backbone]:
    """Return the backbones of the registry that patterns name, each once, in the order of the registry.

    Parameters
    ----------
    patterns
        Names here or Keras's own, in any case, with the wildcards ``*``, ``?`` and ``[...]``. None at all names
        everything but the demo's networks, which no wildcard names either.

    Raises
    ------
    BadChoice
        If one names nothing; the nearest are suggested.
    """
    names = {name for pattern in patterns or ("*",) for name in _match_names(pattern)}
    return [backbone for backbone in BACKBONES.values() if backbone.name in names]


def _match_names(pattern: str) -> list[str]:
    """List the backbones that one pattern names: by the names here, and if none has such a name, by Keras's own."""
    if (name := resolve_backbone_name(pattern)) in BACKBONES:
        return [name]
    known = [backbone for backbone in BACKBONES.values() if not backbone.tiny]
    names = [backbone.name for backbone in known if fnmatchcase(backbone.name, pattern.lower())]
    # Keras's own names tell no width, so they stand for the backbones of the usual one.
    names = names or [
        backbone.name
        for backbone in known
        if not backbone.arguments
        and any(fnmatchcase(spelling, simplify_name(pattern)) for spelling in list_spellings(backbone))
    ]
    if not names:
        raise BadChoice.from_unknown_name("backbone", pattern, BACKBONES)
    return names
