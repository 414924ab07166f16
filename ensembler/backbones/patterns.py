"""Selection of backbones by patterns."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from ..errors import BadChoice
from .registry import BACKBONES, Backbone, list_spellings, resolve_backbone_name, simplify_name


def match_backbones(patterns: Sequence[str]) -> list[Backbone]:
    """Return the backbones of the registry that match any pattern, each once, in the order of the registry.

    Parameters
    ----------
    patterns
        Names of this registry or of Keras, case-insensitive, with the wildcards ``*``, ``?`` and ``[...]``. An empty
        sequence matches everything except the demo's networks, which no wildcard matches.

    Raises
    ------
    BadChoice
        If a pattern matches nothing. The message suggests the nearest names.
    """
    names = {name for pattern in patterns or ("*",) for name in _match_names(pattern)}
    return [backbone for backbone in BACKBONES.values() if backbone.name in names]


def _match_names(pattern: str) -> list[str]:
    """List the backbones that one pattern matches by their names here or, if there are none, by Keras's names."""
    if (name := resolve_backbone_name(pattern)) in BACKBONES:
        return [name]
    known = [backbone for backbone in BACKBONES.values() if not backbone.tiny]
    names = [backbone.name for backbone in known if fnmatchcase(backbone.name, pattern.lower())]
    # Keras's names contain no width multiplier, so they match only backbones of the default width.
    names = names or [
        backbone.name
        for backbone in known
        if not backbone.arguments
        and any(fnmatchcase(spelling, simplify_name(pattern)) for spelling in list_spellings(backbone))
    ]
    if not names:
        raise BadChoice.from_unknown_name("backbone", pattern, BACKBONES)
    return names
