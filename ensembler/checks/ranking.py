"""Order of findings and doubts from serious to mild, and at most one suggestion per photo."""

from __future__ import annotations

from dataclasses import replace

from .finding import Found

# Kinds from serious to mild.
ORDER = (
    "unreadable photo",
    "truncated photo",
    "blank photo",
    "clashing labels",
    "likely wrong label",
    "leak",
    "train and test differ",
    "identical photos",
    "near-duplicates",
    "looks turned",
    "orientation unsure",
    "odd photo",
    "rare class",
    "class imbalance",
    "tiny photo",
    "odd size",
    "odd mode",
    "EXIF rotation",
)
# Kinds whose suggestion counts if others suggest something else for the same photo.
_DECISIVE = ("likely wrong label", "looks turned")


def rank_found(found: Found) -> Found:
    """Return findings and doubts in the order of their kinds, each kind in its own order.

    A photo keeps one suggestion, that of a likely wrong label before others, so that a file of doubts never asks to
    leave a photo out and to relabel it too.
    """
    doubts = sorted(found.doubts, key=lambda each: _rank(each.kind))
    first: dict[tuple[str, str], int] = {}
    for place, doubt in sorted(enumerate(doubts), key=lambda pair: pair[1].kind not in _DECISIVE):
        if doubt.suggestion:
            first.setdefault((doubt.set, doubt.id), place)
    kept = [
        doubt if first.get((doubt.set, doubt.id), place) == place else replace(doubt, suggestion="", new_label="")
        for place, doubt in enumerate(doubts)
    ]
    findings = sorted(found.findings, key=lambda each: _rank(each.kind))
    return replace(found, findings=tuple(findings), doubts=tuple(kept))


def _rank(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)
