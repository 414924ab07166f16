"""Content of the ledger: answers to record, and rows to read."""

from __future__ import annotations

import dataclasses
import json
import math
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ...members.stack_record import MemberUsed
from ...serialization import convert_to_plain, make_record
from ..kaggle.facts import Status

SubmissionKind = Literal["csv", "notebook"]
# UPLOADING: begun, result unknown. FAILED: it did not reach Kaggle. "": not uploaded. The others are Kaggle's.
RowStatus = Literal["", "UPLOADING", "FAILED"] | Status


@dataclass(frozen=True)
class Answer:
    """A file to submit, and its origin.

    Attributes
    ----------
    competition, slug
        Name of the competition here and on Kaggle. The slug is empty for a competition that is not on Kaggle.
    path, sha256, total_bytes
        Path, digest and size of the file.
    kind
        Whether the file is uploaded, or a notebook that writes it.
    stack, members, folds, samples
        Stack that made the file, its members, and the hashes of folds and samples. Empty for a file made by hand.
    metric, larger_is_better
        Metric of ``own``, and its direction. ``larger_is_better`` is None if Kaggle uses another metric.
    own, own_error, own_log_loss
        Score on rows that nothing was fitted on, its standard error, and the log loss of the same rows, by their
        original labels.
    own_corrected
        Score of the same predictions without excluded photos and by new labels. None without corrections.
    made
        Time of writing. None is now.
    """

    competition: str
    path: Path
    sha256: str
    total_bytes: int
    slug: str = ""
    kind: SubmissionKind = "csv"
    stack: str = ""
    members: tuple[MemberUsed, ...] = ()
    folds: str = ""
    samples: str = ""
    metric: str = ""
    larger_is_better: bool | None = False
    own: float | None = None
    own_error: float | None = None
    own_log_loss: float | None = None
    own_corrected: float | None = None
    made: datetime | None = None


@dataclass(frozen=True)
class Row:
    """An upload with its answer, an answer without an upload, or an upload of an unknown file.

    Times are UTC. Unknown values are None or empty. The fields are those of :class:`Answer`, and of the upload:

    Attributes
    ----------
    file_name, description, ref
        File name, description and number of the submission on Kaggle.
    began, submitted
        Begin of the upload, and time of the submission. ``began`` is None for an upload in the browser.
    status
        Empty without an upload. UPLOADING if the upload began and its result is unknown. FAILED if it did not reach
        Kaggle. Otherwise the status on Kaggle.
    public, private
        Scores on Kaggle.
    reason
        Reason of a failure.
    """

    competition: str
    slug: str
    path: Path | None
    file_name: str
    sha256: str
    total_bytes: int
    made: datetime | None
    kind: SubmissionKind
    stack: str
    members: tuple[MemberUsed, ...]
    folds: str
    samples: str
    metric: str
    larger_is_better: bool | None
    own: float | None
    own_error: float | None
    own_log_loss: float | None
    own_corrected: float | None
    description: str
    ref: int | None
    began: datetime | None
    submitted: datetime | None
    status: RowStatus
    public: float | None
    private: float | None
    reason: str

    @property
    def source(self) -> Literal["stack", "by hand"]:
        """Origin of the file."""
        return "stack" if self.stack else "by hand"

    @property
    def when(self) -> datetime | None:
        """Time of the submission, of the upload's begin, or of the file, whichever is the last known."""
        return self.submitted or self.began or self.made

    @property
    def gap(self) -> float | None:
        """Difference by which the public score is worse than ``own``; negative if it is better."""
        if self.own is None or self.public is None or self.larger_is_better is None:
            return None
        return self.own - self.public if self.larger_is_better else self.public - self.own

    @property
    def gap_in_errors(self) -> float | None:
        """The gap in standard errors of ``own``."""
        return self.gap / self.own_error if self.gap is not None and self.own_error else None

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values, with times as ``2026-01-31T12:00:00Z``."""
        fields: dict[str, Any] = convert_to_plain({name: getattr(self, name) for name in FIELD_NAMES})
        return fields


# Fields of a row, and derived values.
FIELD_NAMES = (*(field.name for field in dataclasses.fields(Row)), "source", "when", "gap", "gap_in_errors")


def read_rows(connection: sqlite3.Connection, folder: Path, sha256: str | None = None) -> list[Row]:
    """Read all rows, or those of one content, the newest first. Stored paths are relative to ``folder``."""
    return [_parse_row(dict(record), folder) for record in connection.execute(_SELECT_ROWS, {"sha256": sha256})]


def _parse_row(values: dict[str, Any], folder: Path) -> Row:
    path, larger_is_better = values["path"], values["larger_is_better"]
    times = {name: values[name] and datetime.fromisoformat(values[name]) for name in ("made", "began", "submitted")}
    parsed = {
        # An absolute path stays absolute.
        "path": folder.absolute() / path if path else None,
        "file_name": values["file_name"] or Path(path or "").name,
        "members": make_record(json.loads(values["members"]), tuple[MemberUsed, ...], "the ledger's column members"),
        "larger_is_better": None if larger_is_better is None else bool(larger_is_better),
    }
    return Row(**values | times | parsed)


# Each answer with each of its uploads, answers without uploads, and uploads without an answer.
_SELECT_ROWS = """
    SELECT coalesce(a.competition, u.slug) AS competition, coalesce(u.slug, a.slug) AS slug, a.path,
        coalesce(u.file_name, '') AS file_name, coalesce(a.sha256, '') AS sha256,
        coalesce(a.total_bytes, u.total_bytes) AS total_bytes, a.made, coalesce(a.kind, 'csv') AS kind,
        coalesce(a.stack, '') AS stack, coalesce(a.members, '[]') AS members, coalesce(a.folds, '') AS folds,
        coalesce(a.samples, '') AS samples, coalesce(a.metric, '') AS metric, a.larger_is_better, a.own, a.own_error,
        a.own_log_loss, a.own_corrected, coalesce(u.description, '') AS description, u.ref, u.began, u.submitted,
        coalesce(u.status, '') AS status, u.public, u.private, coalesce(u.reason, '') AS reason
    FROM (
        SELECT answers.id AS answer, uploads.id AS upload FROM answers LEFT JOIN uploads ON uploads.answer = answers.id
        UNION ALL SELECT NULL, id FROM uploads WHERE answer IS NULL
    ) AS pair
    LEFT JOIN answers AS a ON a.id = pair.answer
    LEFT JOIN uploads AS u ON u.id = pair.upload
    WHERE :sha256 IS NULL OR a.sha256 = :sha256
    ORDER BY coalesce(u.submitted, u.began, a.made) DESC, u.ref DESC, u.id DESC, a.id DESC
"""


def format_utc(time: datetime) -> str:
    """Format a time as ``2026-01-31T12:00:00Z``, which sorts correctly. A time without a zone is UTC."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def drop_non_finite(number: float | None) -> float | None:
    """Return a finite number, or None."""
    return number if number is not None and math.isfinite(number) else None
