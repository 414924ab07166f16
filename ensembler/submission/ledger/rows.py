"""What the ledger holds: an answer as it is recorded, and a row as it is read."""

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
# UPLOADING: begun, its end not known yet. FAILED: it never reached Kaggle. "": not uploaded. The others are Kaggle's.
RowStatus = Literal["", "UPLOADING", "FAILED"] | Status


@dataclass(frozen=True)
class Answer:
    """A file that may be submitted, and how it came about.

    Attributes
    ----------
    competition, slug
        Our name of the competition, and Kaggle's; the slug is empty for one that is not on Kaggle.
    path, sha256, total_bytes
        The file.
    kind
        Whether the file itself is uploaded, or a notebook that writes it.
    stack, members, folds, samples
        What made it, with the hashes of the folds and samples behind it; empty for a file that was made by hand.
    metric, larger_is_better
        What ``own`` is; None if Kaggle judges by something else, so that there is nothing to compare.
    own, own_error, own_log_loss
        Our own score on rows that nothing was fitted on, its standard error, and the log loss of the same rows.
    made
        When, None for now.
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
    made: datetime | None = None


@dataclass(frozen=True)
class Row:
    """An upload with its answer, an answer that was not uploaded, or an upload of a file that we never saw.

    Times are UTC. What is not known is None or empty. The fields are those of :class:`Answer`, and of the upload:

    Attributes
    ----------
    file_name, description, ref
        As Kaggle has them.
    began, submitted
        When our upload began, and when Kaggle took it; ``began`` is None for one that was made in the browser.
    status
        Empty if it was not uploaded; UPLOADING if it began and its end is not known; FAILED if it never reached
        Kaggle; else what Kaggle says.
    public, private
        Kaggle's scores.
    reason
        Why it failed.
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
        """Whether a stack made the file, or a person."""
        return "stack" if self.stack else "by hand"

    @property
    def when(self) -> datetime | None:
        """The last that happened to it: submitted, begun to upload, or made."""
        return self.submitted or self.began or self.made

    @property
    def gap(self) -> float | None:
        """By how much the public score is worse than our own; negative if it is better."""
        if self.own is None or self.public is None or self.larger_is_better is None:
            return None
        return self.own - self.public if self.larger_is_better else self.public - self.own

    @property
    def gap_in_errors(self) -> float | None:
        """The gap in standard errors of our own score."""
        return self.gap / self.own_error if self.gap is not None and self.own_error else None

    def to_json(self) -> dict[str, Any]:
        """Everything known, as JSON can hold it; times as ``2026-01-31T12:00:00Z``."""
        fields: dict[str, Any] = convert_to_plain({name: getattr(self, name) for name in FIELD_NAMES})
        return fields


# Fields of a row, and what is derived from them.
FIELD_NAMES = (*(field.name for field in dataclasses.fields(Row)), "source", "when", "gap", "gap_in_errors")


def read_rows(connection: sqlite3.Connection, folder: Path, sha256: str | None = None) -> list[Row]:
    """Read everything, or what is about these bytes, newest first; ``folder`` is what relative paths start from."""
    return [_parse_row(dict(record), folder) for record in connection.execute(_SELECT_ROWS, {"sha256": sha256})]


def _parse_row(values: dict[str, Any], folder: Path) -> Row:
    path, larger_is_better = values["path"], values["larger_is_better"]
    times = {name: values[name] and datetime.fromisoformat(values[name]) for name in ("made", "began", "submitted")}
    parsed = {
        # An absolute path stays one.
        "path": folder.absolute() / path if path else None,
        "file_name": values["file_name"] or Path(path or "").name,
        "members": make_record(json.loads(values["members"]), tuple[MemberUsed, ...], "the ledger's column members"),
        "larger_is_better": None if larger_is_better is None else bool(larger_is_better),
    }
    return Row(**values | times | parsed)


# Each answer with its uploads, or alone if it has none, and each upload without an answer.
_SELECT_ROWS = """
    SELECT coalesce(a.competition, u.slug) AS competition, coalesce(u.slug, a.slug) AS slug, a.path,
        coalesce(u.file_name, '') AS file_name, coalesce(a.sha256, '') AS sha256,
        coalesce(a.total_bytes, u.total_bytes) AS total_bytes, a.made, coalesce(a.kind, 'csv') AS kind,
        coalesce(a.stack, '') AS stack, coalesce(a.members, '[]') AS members, coalesce(a.folds, '') AS folds,
        coalesce(a.samples, '') AS samples, coalesce(a.metric, '') AS metric, a.larger_is_better, a.own, a.own_error,
        a.own_log_loss, coalesce(u.description, '') AS description, u.ref, u.began, u.submitted,
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
    """``2026-01-31T12:00:00Z``, which sorts as time does; a time without a zone is UTC already."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def drop_non_finite(number: float | None) -> float | None:
    """Return a number that JSON can hold, or None."""
    return number if number is not None and math.isfinite(number) else None
