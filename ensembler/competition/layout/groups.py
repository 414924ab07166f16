"""Groups of related photos, such as those of one patient, from a table or from the names of photos."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ...errors import BadChoice, BadData
from ...paths import require_file
from ..manifest import TrainLayout
from ..photo_files import PhotoFiles
from ..sample_submission import SampleSubmission, make_relative
from ..table_files.reading import read_columns, read_table_file
from .joined_groups import join_groups
from .name_pairs import are_in_pairs, pair_names
from .readable_tables import HEAD_ROWS, list_readable_tables

# Names of columns of groups: beings, then occasions, then places. The first match in this order counts. Words like
# class, type, view or date are omitted, because they describe a photo rather than group it.
_BEINGS, _OCCASIONS, _PLACES = (
    names.split()
    for names in (
        "patient lesion subject driver person participant individual animal donor specimen owner",
        "group case study series sequence seq session burst video clip scene slide",
        "location site camera",
    )
)
_GROUP_NAMES = (*_BEINGS, *_OCCASIONS, *_PLACES)
# The usual number of folds; fewer groups cannot fill them.
MIN_GROUPS = 5
NO_GROUPS = "none"
PHOTO_NAMES = "names"


@dataclass(frozen=True)
class GroupColumn:
    """A table of groups in the manifest's notation, its column of photos and its column of groups.

    The table :data:`PHOTO_NAMES` stands for pairs of photos whose names differ only by left and right.
    """

    file: str
    id_column: str
    column: str


NAME_PAIRS = GroupColumn(PHOTO_NAMES, "name", "pair")


def rank_group_name(column: str) -> int | None:
    """Return the rank of a column's name among the names of groups, or None. ``PatientID`` ranks as ``patient``."""
    bare = re.sub(r"[\W_]", "", column.lower())
    endings = ("", "id", "uid", "instanceuid", "no", "num", "number", "name", "code")
    names = [bare.removesuffix(ending) for ending in endings]
    return next((rank for rank, name in enumerate(_GROUP_NAMES) if name in names), None)


def find_id_column(path: Path, photos: PhotoFiles) -> str:
    """Return the column with the names of photos, judged by the first rows; an empty string if there is none."""
    head = read_table_file(path, rows=HEAD_ROWS)
    matches = {str(column): sum(bool(photos.find(value)) for value in head[column]) for column in head.columns}
    best = max(matches, key=lambda column: matches[column], default="")
    return best if best and matches[best] * 2 >= len(head) and len(head.columns) > 1 and matches[best] else ""


def find_groups(photos: PhotoFiles, labels: pd.Series, sample: SampleSubmission | None) -> GroupColumn | None:
    """Find the column that groups related training photos, or pairs of names.

    The column must have the name of a group, and its values must group the photos: a copy of the label, a different
    value for each photo, or fewer groups than folds do not count. If the groups of another such column contain these,
    that column is used, except a column of places in place of beings.

    ``labels`` contains the label of each training photo by its path. The sample submission is not a table of groups.
    """
    candidates: list[_Candidate] = []
    for path in list_readable_tables(photos.root, sample):
        ranks = {name: rank for name in read_columns(path) if (rank := rank_group_name(name)) is not None}
        id_column = find_id_column(path, photos) if ranks else ""
        for name in sorted(set(ranks) - {id_column}) if id_column else []:
            column = GroupColumn(make_relative(path, photos.root), id_column, name)
            # A table that the user did not name may be unreadable.
            with contextlib.suppress(BadData):
                if _is_useful_grouping(groups := read_groups(column, photos), labels):
                    candidates.append(_Candidate(ranks[name], column, groups))
    if are_in_pairs(labels) and _is_useful_grouping(pairs := pair_names(photos.paths), labels):
        candidates.append(_Candidate(len(_BEINGS) - 1, NAME_PAIRS, pairs))
    return _choose_coarsest(min(candidates, key=lambda item: item.rank), candidates).column if candidates else None


class _Candidate(NamedTuple):
    """A column of groups, the rank of its name, and the group of each photo."""

    rank: int
    column: GroupColumn
    groups: pd.Series


def _choose_coarsest(first: _Candidate, candidates: list[_Candidate]) -> _Candidate:
    """Return the candidate with the fewest groups, each of which contains whole groups of ``first``."""
    if first.rank < len(_BEINGS):
        candidates = [other for other in candidates if other.rank < len(_BEINGS) + len(_OCCASIONS)]
    wider = [other for other in candidates if _are_within(first.groups, other.groups)]
    return min(wider, key=lambda other: other.groups.nunique(), default=first)


def _are_within(groups: pd.Series, wider: pd.Series) -> bool:
    """Return whether ``wider`` has fewer groups, each of which contains whole groups."""
    if not groups.index.isin(wider.index).all() or wider.nunique() >= groups.nunique():
        return False
    return bool((wider[groups.index].groupby(groups).nunique() == 1).all())


def parse_groups(answer: str, photos: PhotoFiles) -> GroupColumn | None:
    """Parse the user's hint: ``FILE:COLUMN``, ``names`` for pairs of left and right, or ``none``."""
    if answer.strip().lower() == NO_GROUPS:
        return None
    if answer.strip().lower() == PHOTO_NAMES:
        return NAME_PAIRS
    file, _, column = answer.rpartition(":")
    path = photos.root / file
    advice = f"--groups expects FILE:COLUMN with a file relative to {photos.root}, {PHOTO_NAMES} or {NO_GROUPS}."
    require_file(path, advice)
    if column not in (header := read_columns(path)):
        raise BadChoice.from_unknown_name("group column", column, header)
    if not (id_column := find_id_column(path, photos)):
        raise BadData(f"No column of {path} contains the names of training photos: name another table with --groups.")
    return GroupColumn(make_relative(path, photos.root), id_column, column)


def build_group_column(layout: TrainLayout) -> GroupColumn | None:
    """Return the column of groups in a manifest, or None."""
    if not layout.groups:
        return None
    return GroupColumn(layout.groups, layout.group_id_column, layout.group_column)


def read_groups(column: GroupColumn, photos: PhotoFiles) -> pd.Series:
    """Read the group of each photo, by its path. Groups that share a photo become one."""
    if column.file == PHOTO_NAMES:
        return pair_names(photos.paths)
    path = photos.root / column.file
    if missing := {column.id_column, column.column} - set(read_columns(path)):
        raise BadData(
            f"{path} does not contain the column {', '.join(sorted(missing))}: correct train.groups in "
            "competition.toml."
        )
    table = read_table_file(path, columns=list({column.id_column, column.column}))
    paths = table[column.id_column].map(photos.find)
    names = table[column.column].str.strip()
    known = (paths != "") & (names != "")
    paths, names = paths[known], names[known]
    joined = join_groups(paths, [names])
    return pd.Series(joined.to_numpy(), index=paths, dtype=str).groupby(level=0).first()


def _is_useful_grouping(groups: pd.Series, labels: pd.Series) -> bool:
    """Return whether groups cover most photos, differ from the labels, and suffice for the folds."""
    known = labels[labels.index.isin(groups.index)]
    if len(known) * 2 < len(labels):
        return False
    groups = groups[known.index]
    count = groups.nunique()
    if not MIN_GROUPS <= count < len(groups):
        return False
    pairs = pd.DataFrame({"group": groups, "label": known}).drop_duplicates()
    return not (len(pairs) == count == known.nunique())
