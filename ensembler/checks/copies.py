"""Photos that show the same picture: identical files and near-duplicates, with and without clashing labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..competition.duplicates import find_identical_pairs
from ..images.near_duplicates import find_near_duplicates
from ..progress import Progress
from ..storage import compute_file_digest
from .doubt import Doubt, Suggestion
from .finding import Finding, Found, Picture, join_found
from .photos import MAX_EXAMPLES, Photo, count_photos

CLASHING, IDENTICAL, NEAR = "clashing labels", "identical photos", "near-duplicates"
PAIRED_KINDS = (CLASHING, IDENTICAL, NEAR)
_SETS = ("train", "both", "test")
_ADVICE = {
    (CLASHING, "train"): "look at both, correct a label",
    (IDENTICAL, "train"): "nothing: a fold has all or none",
    (NEAR, "train"): "nothing: a fold has all or none",
    (IDENTICAL, "both"): "the label is known: is it a leak?",
    (NEAR, "both"): "the label is known: is it a leak?",
    (IDENTICAL, "test"): "nothing",
    (NEAR, "test"): "nothing",
}


@dataclass(frozen=True)
class Pair:
    """Two photos that show the same picture, a training photo first where there is one.

    ``distance`` and ``similarity`` are those of :class:`.DuplicatePair`.
    """

    one: Photo
    other: Photo
    distance: int
    similarity: float
    is_identical: bool

    @property
    def kind(self) -> str:
        """Kind of the doubt."""
        if self.one.set == self.other.set == "train" and self.one.label != self.other.label:
            return CLASHING
        return IDENTICAL if self.is_identical else NEAR

    @property
    def set(self) -> str:
        """``train``, ``test``, or ``both``."""
        return self.one.set if self.one.set == self.other.set else "both"

    def make_doubts(self, wrong: frozenset[str]) -> list[Doubt]:
        """Return a doubt for each of the two photos. Ids in ``wrong`` have labels that predictions contradict."""
        # Without its wrong label, the pair does not clash any more.
        is_solved = not wrong.isdisjoint((self.one.id, self.other.id))
        suggestion: Suggestion = "exclude" if self.kind == CLASHING and not is_solved else ""
        return [self._describe(*pair, suggestion) for pair in ((self.one, self.other), (self.other, self.one))]

    def _describe(self, photo: Photo, other: Photo, suggestion: Suggestion) -> Doubt:
        where = {"train": "the training photo", "test": "the photo to predict"}[other.set]
        label = f", which is labelled {other.label or 'with no class'}" if other.set == "train" else ""
        how = "Its file is identical to that of" if self.is_identical else "It shows the same picture as"
        reason = f"{how} {where} {other.path}{label} (similarity {self.similarity:.3f}, {self.distance} of 64 bits)."
        return photo.doubt(self.kind, self.similarity, reason, suggestion)


def find_copies(
    photos: Sequence[Photo],
    duplicates: pd.DataFrame,
    root: Path,
    progress: Progress,
    wrong: frozenset[str] = frozenset(),
) -> Found:
    """Find photos that show the same picture.

    Parameters
    ----------
    photos
        Photos that can be decoded. Those to predict have digests and thumbnails.
    duplicates
        The competition's table of pairs with a training photo, ``duplicates.csv``.
    root
        Folder of the photos.
    wrong
        Ids of training photos with a likely wrong label. The photo that one of them clashes with need not be excluded.
    """
    pairs = [*_read_pairs(photos, duplicates, root), *_find_test_pairs(photos, progress)]
    parts = [_describe_kind(kind, [pair for pair in pairs if pair.kind == kind], wrong) for kind in PAIRED_KINDS]
    return join_found(parts)


def _describe_kind(kind: str, pairs: Sequence[Pair], wrong: frozenset[str]) -> Found:
    ranked = sorted(pairs, key=lambda pair: -pair.similarity)
    findings = [_summarise(kind, chosen) for name in _SETS if (chosen := [pair for pair in ranked if pair.set == name])]
    # A photo of several pairs has one doubt.
    doubts: dict[tuple[str, str], Doubt] = {}
    for pair in ranked:
        for doubt in pair.make_doubts(wrong):
            doubts.setdefault((doubt.set, doubt.id), doubt)
    shown = [_show(photo, pair) for pair in ranked for photo in (pair.one, pair.other)]
    return Found(tuple(findings), tuple(doubts.values()), {kind: tuple(shown)} if shown else {})


def _read_pairs(photos: Sequence[Photo], duplicates: pd.DataFrame, root: Path) -> list[Pair]:
    by_place = {(photo.set, photo.id): photo for photo in photos}
    pairs = []
    columns = ["set", "id", "other_set", "other_id", "distance", "similarity"]
    for name, identity, other_name, other_id, distance, similarity in duplicates[columns].itertuples(index=False):
        one, other = by_place.get((name, identity)), by_place.get((other_name, other_id))
        if one is not None and other is not None:
            pairs.append(Pair(one, other, int(distance), float(similarity), _are_identical(one, other, root)))
    return pairs


def _are_identical(one: Photo, other: Photo, root: Path) -> bool:
    if one.facts.file_bytes != other.facts.file_bytes:
        return False
    return compute_file_digest(root / one.path) == compute_file_digest(root / other.path)


def _find_test_pairs(photos: Sequence[Photo], progress: Progress) -> list[Pair]:
    tests = {photo.path: photo for photo in photos if photo.set == "test"}
    thumbnails = {path: photo.facts.thumbnail for path, photo in tests.items() if photo.facts.thumbnail is not None}
    identical = find_identical_pairs({path: photo.facts.digest for path, photo in tests.items()})
    found = {(pair.one, pair.other): (pair, True) for pair in identical}
    for pair in find_near_duplicates(thumbnails, progress):
        found.setdefault((pair.one, pair.other), (pair, False))
    return [
        Pair(tests[pair.one], tests[pair.other], pair.distance, min(pair.similarity, 1.0), is_identical)
        for pair, is_identical in found.values()
    ]


def _summarise(kind: str, pairs: Sequence[Pair]) -> Finding:
    name = pairs[0].set
    first, second = ([getattr(pair, side).path for pair in pairs] for side in ("one", "other"))
    if name == "both":
        subjects, others = count_photos(set(second), "test"), count_photos(set(first), "train")
        summary = f"{subjects} show the same picture as {others}"
    else:
        summary = f"{count_photos({*first, *second}, name)} show the same picture as others"
    least = min(pair.similarity for pair in pairs)
    summary += {
        CLASHING: ", with different labels",
        IDENTICAL: ", in identical files",
        NEAR: f", by pixels that correlate by {least:.3f} or more",
    }[kind]
    examples = tuple(f"{pair.one.path} = {pair.other.path}" for pair in pairs[:MAX_EXAMPLES])
    return Finding(kind, name, len(pairs), "pair", examples, f"{summary}.", _ADVICE[kind, name])


def _show(photo: Photo, pair: Pair) -> Picture:
    return Picture(photo.path, f"{photo.label or 'to predict'}\nsimilarity {pair.similarity:.3f}")
