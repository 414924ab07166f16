"""Findings of a check: a kind of doubt with its number, its worst examples and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..serialization import Exported
from .doubt import Doubt


@dataclass(frozen=True)
class Finding(Exported):
    """A kind of doubt in one set of photos.

    Attributes
    ----------
    kind
        Kind of the doubt, such as ``blank photo``.
    set
        ``train``, ``test``, or ``both`` for pairs across the sets and for what concerns both.
    number, unit
        Number of photos, pairs, classes or clues, and which of these, such as 4 and ``pair``.
    examples
        Paths of the worst photos, or names of the classes or clues that are concerned.
    summary
        Sentence that tells what was found, with figures, and how certain it is.
    advice
        Advice to the user, as a short phrase.
    """

    kind: str
    set: str
    number: int
    unit: str
    examples: tuple[str, ...]
    summary: str
    advice: str


@dataclass(frozen=True)
class Picture(Exported):
    """A thumbnail of the contact sheet: a photo's path relative to the folder of the photos, and its caption."""

    path: str
    caption: str


@dataclass(frozen=True)
class Found:
    """What one check found.

    Attributes
    ----------
    findings
        A finding for each kind and set, the most serious first.
    doubts
        A doubt for each photo that is concerned, the worst first.
    pictures
        Photos for the contact sheet by kind, the worst first; pairs of photos are neighbours. Without an entry, a kind
        shows the photos of its doubts.
    left_out
        Sentences that tell what was not checked, and why.
    """

    findings: tuple[Finding, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    pictures: dict[str, tuple[Picture, ...]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def join_found(parts: Iterable[Found]) -> Found:
    """Return what several checks found, in their order."""
    listed: Sequence[Found] = list(parts)
    return Found(
        tuple(each for part in listed for each in part.findings),
        tuple(each for part in listed for each in part.doubts),
        {kind: shown for part in listed for kind, shown in part.pictures.items()},
        tuple(each for part in listed for each in part.left_out),
    )
