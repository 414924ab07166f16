"""The photos that are checked, with their labels and facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import format_count
from .doubt import Doubt, Suggestion
from .finding import Finding
from .photo_facts import PhotoFacts
from .result import SetFacts, Sizes

SETS = ("train", "test")
# Number of examples that a finding names.
MAX_EXAMPLES = 5


@dataclass(frozen=True)
class Photo:
    """A readable photo of a competition. Label and group are empty for a photo to predict."""

    set: str
    id: str
    path: str
    label: str
    group: str
    facts: PhotoFacts

    def doubt(self, kind: str, score: float, reason: str, suggestion: Suggestion = "") -> Doubt:
        """Return a doubt about the photo. A suggestion is made for training photos only."""
        suggested = suggestion if self.set == "train" else ""
        return Doubt(kind, self.set, self.id, self.path, self.label, suggested, "", round(score, 6), reason)


def join_facts(train: pd.DataFrame, test: pd.DataFrame, facts: dict[str, PhotoFacts]) -> list[Photo]:
    """Return the photos that can be decoded, training photos first, in the order of the tables."""
    columns = ["id", "path", "label", "group"]
    tables = {"train": train, "test": test.assign(label="", group="")}
    return [
        Photo(name, identity, path, label, group, facts[path])
        for name, table in tables.items()
        for identity, path, label, group in table[columns].itertuples(index=False, name=None)
        if path and not facts[path].problem
    ]


def summarise(kind: str, doubts: Iterable[Doubt], what: str, advice: str) -> tuple[Finding, ...]:
    """Return a finding for each set that has doubts of a kind, the worst photo first.

    Parameters
    ----------
    what
        Beginning of the sentence about these photos, such as ``Cannot be decoded``.
    advice
        Advice to the user, as a short phrase.
    """
    listed = [each for each in doubts if each.kind == kind]
    findings = []
    for name in SETS:
        if chosen := [each for each in listed if each.set == name]:
            worst = chosen[0]
            reason = worst.reason[:1].lower() + worst.reason[1:]
            summary = f"{what}: {count_photos(chosen, name)}, such as {worst.path or worst.id}: {reason}"
            findings.append(Finding(kind, name, len(chosen), "photo", list_examples(chosen), summary, advice))
    return tuple(findings)


def count_photos(photos: Collection[object], name: str) -> str:
    """Return the number of photos of a set in words, such as ``2 training photos`` or ``1 photo to predict``."""
    return format_count(photos, "training photo") if name == "train" else f"{format_count(photos, 'photo')} to predict"


def list_examples(doubts: Sequence[Doubt]) -> tuple[str, ...]:
    """Return the paths, or else the ids, of the first doubts."""
    return tuple(each.path or each.id for each in doubts[:MAX_EXAMPLES])


def describe_set(photos: Sequence[Photo], name: str, rows: int, unreadable: pd.DataFrame) -> SetFacts:
    """Describe the photos of a set.

    Parameters
    ----------
    photos
        Readable photos of all sets.
    name
        ``train`` or ``test``.
    rows
        Number of the set's rows in its table. Unreadable training photos are not in the table.
    unreadable
        Table of unreadable photos of all sets.
    """
    facts = [photo.facts for photo in photos if photo.set == name]
    missing = unreadable.loc[unreadable["set"] == name, "id"].nunique()
    return SetFacts(
        photos=max(rows, len(facts) + missing),
        unreadable=missing,
        formats=dict(Counter(each.format for each in facts).most_common()),
        modes=dict(Counter(each.mode for each in facts).most_common()),
        sizes=Sizes(*(_bound([getattr(each, side) for each in facts]) for side in ("width", "height", "file_bytes")))
        if facts
        else None,
    )


def _bound(values: Sequence[int]) -> tuple[int, int, int]:
    return min(values), round(float(np.median(values))), max(values)
