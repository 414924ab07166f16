"""Backbones named by patterns."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from ..errors import BadChoice
from .registry import BACKBONES, Backbone


def match_backbones(patterns: Sequence[str]) -> list[Backbone]:
    """Return the backbones of the registry that patterns name, each once, in the order of the registry.

    Parameters
    ----------
    patterns
        With the wildcards ``*``, ``?`` and ``[...]``. None at all names everything but the demo's networks, which no
        wildcard names either.

    Raises
    ------
    BadChoice
        If one names nothing; the nearest are suggested.
    """
    for pattern in patterns:
        if not any(_is_match(backbone, pattern) for backbone in BACKBONES.values()):
            raise BadChoice.from_unknown_name("backbone", pattern, BACKBONES)
    return [
        backbone
        for backbone in BACKBONES.values()
        if any(_is_match(backbone, pattern) for pattern in patterns or ("*",))
    ]


def _is_match(backbone: Backbone, pattern: str) -> bool:
    return backbone.name == pattern or (not backbone.tiny and fnmatchcase(backbone.name, pattern))
