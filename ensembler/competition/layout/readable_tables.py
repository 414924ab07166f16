"""The CSVs beside the photos that can be read; one that is not needed may be unreadable."""

from __future__ import annotations

from pathlib import Path

from ...errors import BadData
from ..csv_tables import read_table
from ..sample_submission import SampleSubmission, list_csv_files, looks_like_sample

# Number of first rows that are read of each table.
HEAD_ROWS = 200


def list_readable_tables(root: Path, sample: SampleSubmission | None) -> list[Path]:
    """Return the CSVs below ``root`` that are no sample submission and can be read, the shallowest first."""
    return [path for path in _list_tables(root, sample) if _find_read_error(path) is None]


def refuse_unreadable(root: Path, sample: SampleSubmission | None) -> None:
    """Raise the error of the first CSV that cannot be read, for where one was looked for in vain."""
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
