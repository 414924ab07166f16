"""The readable CSVs of a competition. An unreadable CSV is an error only if it is needed."""

from __future__ import annotations

from pathlib import Path

from ...errors import BadData
from ..csv_tables import read_table
from ..sample_submission import SampleSubmission, list_csv_files, looks_like_sample

# Number of rows that are read to examine a table.
HEAD_ROWS = 200


def list_readable_tables(root: Path, sample: SampleSubmission | None) -> list[Path]:
    """Return the readable CSVs below ``root`` except sample submissions, the shallowest first."""
    return [path for path in _list_tables(root, sample) if _find_read_error(path) is None]


def refuse_unreadable(root: Path, sample: SampleSubmission | None) -> None:
    """Raise the error of the first unreadable CSV, which may be the one that was not found."""
    for path in _list_tables(root, sample):
        if error := _find_read_error(path):
            raise error


def _list_tables(root: Path, sample: SampleSubmission | None) -> list[Path]:
    paths = [path for path in list_csv_files(root) if not looks_like_sample(path)]
    return [path for path in paths if sample is None or path != sample.path]


def _find_read_error(path: Path) -> BadData | None:
    try:
        read_table(path, rows=HEAD_ROWS)
    except BadData as error:
        return error
    return None
