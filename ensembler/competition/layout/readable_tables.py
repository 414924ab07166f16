"""Tables of a competition that can be read, and why the others, or those without use, do not give the labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ...errors import BadData, MissingHint
from ..photo_files import PhotoFiles, find_common_folder
from ..photo_ids import find_nearest
from ..photo_names import extract_stem
from ..sample_submission import SampleSubmission, looks_like_sample, make_relative
from ..table_files.listing import list_table_files
from ..table_files.reading import read_table_file

# Number of rows that are read to examine a table.
HEAD_ROWS = 200
_LABEL_WORDS = re.compile("train|label|class|annot|target|truth")


def list_readable_tables(root: Path, sample: SampleSubmission | None) -> list[Path]:
    """Return the readable CSVs below ``root`` except sample submissions, the shallowest first."""
    return [path for path in _list_tables(root, sample) if _find_read_error(path) is None]


def refuse_unclear_tables(photos: PhotoFiles, sample: SampleSubmission | None, *, has_names: bool) -> None:
    """Refuse tables that may contain the labels but were not understood.

    Raises
    ------
    MissingHint
        If a table cannot be read, or its ids name no photo. ``has_names`` tells whether names of files could serve as
        labels instead.
    """
    unclear = {
        path: reason
        for path, reason in explain_tables(photos, photos, sample).items()
        if reason.may_have_labels and (reason.rows * 2 >= len(photos.paths) or _LABEL_WORDS.search(path.stem.lower()))
    }
    if not unclear:
        return
    path, reason = next(iter(unclear.items()))
    otherwise = ", or use the names of files with `--labels names`" if has_names else ""
    raise MissingHint(
        f"{make_relative(path, photos.root)} may contain the labels but is not understood, because {reason.text}: "
        f"correct or convert it, or name another table with --labels FILE{otherwise}."
    )


def refuse_unclear_folders(photos: PhotoFiles, by_path: Mapping[str, str], sample: SampleSubmission | None) -> None:
    """Refuse labels in folders (``by_path``) if a table may contain the labels of the folders, or of photos there.

    Raises
    ------
    MissingHint
        If folders that differ only by their numbers are the ids of a table, or the ids of a table are names of photos
        in several folders.
    """
    names = set(by_path.values())
    are_numbered = len({re.sub(r"\d+", "", name) for name in names}) == 1 and all(map(str.isalnum, names))
    shared = Counter(extract_stem(path) for path in photos.paths)
    for path in list_readable_tables(photos.root, sample):
        head = read_table_file(path, rows=HEAD_ROWS)
        for column in head.columns:
            others = [other for other in head.columns if other != column and 1 < head[other].nunique() < len(head)]
            if not others or not head[column].is_unique:
                continue
            what = ""
            if are_numbered and len(names.intersection(head[column])) * 2 > len(names):
                what = "names folders of photos"
            elif sum(shared[extract_stem(one)] > 1 and not photos.find(one) for one in head[column]) * 2 > len(head):
                what = "names photos that are in several folders"
            if what:
                raise MissingHint(
                    f"The column {column!r} of {make_relative(path, photos.root)} {what} (first: "
                    f"{head[column].iloc[0]!r}), so the table may contain their labels: write it with the path of each "
                    "photo, or use the folders as classes with `--labels folders`."
                )


@dataclass(frozen=True)
class UnusedReason:
    """Why a table does not give the labels. ``rows`` is the number of its first rows that were examined."""

    text: str
    rows: int = 0
    may_have_labels: bool = False


def explain_tables(
    train: PhotoFiles, photos: PhotoFiles, sample: SampleSubmission | None, used: Container[str] = ()
) -> dict[Path, UnusedReason]:
    """Return why each table below the folder of the photos is not used, except tables that are ``used``."""
    tables = [path for path in list_table_files(photos.root) if sample is None or path != sample.path]
    return {
        path: reason
        for path in tables
        if make_relative(path, photos.root) not in used and (reason := _explain_table(path, train, photos))
    }


def _explain_table(path: Path, train: PhotoFiles, photos: PhotoFiles) -> UnusedReason | None:
    if looks_like_sample(path):
        return UnusedReason("another sample submission is used")
    if error := _find_read_error(path):
        # Many texts and JSON files are no tables.
        is_table = path.suffix.lower() not in (".txt", ".json") or bool(_LABEL_WORDS.search(path.stem.lower()))
        return UnusedReason(_extract_reason(error), may_have_labels=is_table)
    head = read_table_file(path, rows=HEAD_ROWS)
    if head.shape[1] < 2 or head.empty:
        return None if path.suffix.lower() == ".txt" else UnusedReason("it has no columns of ids and labels")
    if _is_map_of_classes(path, head):
        return UnusedReason("it maps numbers to names")
    for files in (train, photos):
        for column in head.columns:
            found = [one for value in head[column] if (one := files.find(value))]
            if len(found) * 2 >= len(head):
                where = find_common_folder(found)
                reason = "another source gives their labels" if files is train else "their labels are not read from it"
                return UnusedReason(f"it is about photos of {where}, and {reason}", len(head))
    ids = max(head.columns, key=lambda column: head[column].nunique())
    first = next((value for value in head[ids] if value), "")
    return UnusedReason(
        f"no column names photos (column {ids!r} begins with {first!r}, most like {find_nearest(first, photos.paths)})",
        len(head),
        may_have_labels=True,
    )


def _extract_reason(error: BadData) -> str:
    """Return why a table cannot be read, without the path and the advice of the error."""
    found = re.search(r"as a table \((.*)\): |(can only be read with the package \S+): ", str(error))
    return f"it {found[2]}" if found and found[2] else f"it cannot be read ({found[1] if found else error})"


def _is_map_of_classes(path: Path, head: pd.DataFrame) -> bool:
    return (
        path.suffix.lower() == ".json"
        and head.shape[1] == 2
        and any(head[column].str.fullmatch(r"\d+").all() for column in head.columns)
    )


def _list_tables(root: Path, sample: SampleSubmission | None) -> list[Path]:
    paths = [path for path in list_table_files(root) if not looks_like_sample(path)]
    return [path for path in paths if sample is None or path != sample.path]


def _find_read_error(path: Path) -> BadData | None:
    try:
        read_table_file(path, rows=HEAD_ROWS)
    except BadData as error:
        return error
    return None
