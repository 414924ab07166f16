"""Duplicate photos: pairs of the same picture, groups of pairs, and their table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import format_count
from ..paths import CompetitionFolder
from .csv_tables import read_table
from .layout.joined_groups import number_sets

COLUMNS = ("set", "id", "other_set", "other_id", "distance", "similarity")


@dataclass(frozen=True)
class DuplicatePair:
    """Paths of two photos that show the same picture.

    ``distance`` is the number of bits, out of 64, in which their perceptual hashes differ. ``similarity`` is the
    correlation of their pixels, at most 1.
    """

    one: str
    other: str
    distance: int
    similarity: float


def find_identical_pairs(digests: Mapping[str, str], to_predict: Collection[str] = frozenset()) -> list[DuplicatePair]:
    """Pair each photo with the first photo of the same content, and with the first one to predict.

    ``digests`` maps paths to digests of the files. Photos ``to_predict`` are not paired with each other.
    """
    first: dict[tuple[str, bool], str] = {}
    for path, digest in digests.items():
        first.setdefault((digest, path in to_predict), path)
    pairs = []
    for path, digest in digests.items():
        if path not in to_predict:
            partners = [first.get((digest, is_to_predict)) for is_to_predict in (False, True)]
            pairs += [DuplicatePair(partner, path, 0, 1.0) for partner in partners if partner not in (None, path)]
    return pairs


def group_copies(paths: Iterable[str], pairs: Iterable[DuplicatePair]) -> dict[str, str]:
    """Map each path to the first path that it is paired with, directly or through others, or to itself."""
    listed = list(paths)
    places = {path: place for place, path in enumerate(listed)}
    joined = [(places[pair.one], places[pair.other]) for pair in pairs if {pair.one, pair.other} <= places.keys()]
    one, other = np.array(joined, dtype=np.int64).reshape(-1, 2).T
    first: dict[int, str] = {}
    sets = number_sets(one, other, len(listed)).tolist()
    return {path: first.setdefault(number, path) for path, number in zip(listed, sets, strict=True)}


def build_duplicates_table(train: pd.DataFrame, test: pd.DataFrame, pairs: Iterable[DuplicatePair]) -> pd.DataFrame:
    """Return the table of pairs that contain a training photo.

    A training photo is listed before a test photo, and pairs of training photos before the others. ``train`` and
    ``test`` are the tables of photos.
    """
    places = {path: ("test", identity) for identity, path in zip(test["id"], test["path"], strict=True) if path}
    places |= {path: ("train", identity) for identity, path in zip(train["id"], train["path"], strict=True)}
    rows: dict[tuple[str, ...], tuple[int, str]] = {}
    for pair in pairs:
        if pair.one in places and pair.other in places:
            one, other = sorted((places[pair.one], places[pair.other]), key=lambda place: place[0] != "train")
            if one[0] == "train":
                rows.setdefault((*one, *other), (pair.distance, f"{pair.similarity:.4f}"))
    listed = sorted(((*who, *figures) for who, figures in rows.items()), key=lambda row: row[2] != "train")
    return pd.DataFrame(listed, columns=list(COLUMNS))


@dataclass(frozen=True)
class DuplicateCounts:
    """Numbers of duplicates.

    ``training`` counts training photos that duplicate another training photo, ``to_predict`` photos to predict that
    duplicate a training photo, and ``contradicting`` pairs of training photos with different labels.
    """

    training: int
    to_predict: int
    contradicting: int

    def describe(self) -> str:
        """Return the counts in words, or an empty string if there are no duplicates."""
        phrases = []
        if self.training:
            phrases.append(f"{self.training} duplicates among training photos, kept in one fold")
        if self.to_predict:
            phrases.append(
                f"{format_count(range(self.to_predict), 'duplicate')} of training photos among those to predict"
            )
        return "; ".join(phrases)


def load_duplicates(folder: CompetitionFolder) -> pd.DataFrame:
    """Read the table of duplicates. It is empty if an earlier version prepared the competition without comparison."""
    if not folder.duplicates.is_file():
        return pd.DataFrame(columns=list(COLUMNS))
    return read_table(folder.duplicates, columns=COLUMNS)


def find_twins(duplicates: pd.DataFrame) -> set[str]:
    """Return the ids of training photos that duplicate another training photo."""
    among = duplicates[duplicates["other_set"] == "train"]
    return {*among["id"], *among["other_id"]}


def find_copies(duplicates: pd.DataFrame, ids: Collection[str]) -> set[str]:
    """Return the ids of photos to predict that duplicate one of the training photos ``ids``."""
    to_predict = duplicates[duplicates["other_set"] == "test"]
    return set(to_predict.loc[to_predict["id"].isin(list(ids)), "other_id"])


def count_duplicates(duplicates: pd.DataFrame, labels: pd.Series) -> DuplicateCounts:
    """Count duplicates; ``labels`` contains the labels of the training photos by id."""
    among = duplicates[duplicates["other_set"] == "train"]
    differ = among["id"].map(labels).to_numpy() != among["other_id"].map(labels).to_numpy()
    to_predict = duplicates.loc[duplicates["other_set"] == "test", "id"]
    return DuplicateCounts(len(find_twins(duplicates)), int(to_predict.nunique()), int(differ.sum()))
