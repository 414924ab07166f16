"""Backbones named by patterns."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from ..errors import BadChoice
from .registry import BACKBONES, Backbone, resolve_backbone_name


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
    for pattern in patterns:
        if not any(_is_match(backbone, pattern) for backbone in BACKBONES.values()):
            raise BadChoice.from_unknown_name("backbone", pattern, BACKBONES)
    return [
        backbone
        for backbone in BACKBONES.values()
        if any(_is_match(backbone, pattern) for pattern in patterns or ("*",))
    ]


def _is_match(backbone: Backbone, pattern: str) -> bool:
    if resolve_backbone_name(pattern) == backbone.name:
        return True
    names = (backbone.name, backbone.builder.partition(":")[2].lower())
    return not backbone.tiny and any(fnmatchcase(name, pattern.lower()) for name in names)
