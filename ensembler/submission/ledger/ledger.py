"""The ledger ``submissions/ledger.db`` of all answers, their uploads, and Kaggle's results.

An answer is a file, identified by its content. It may be uploaded several times, by this package or in the browser, and
Kaggle may list uploads of unknown files. So answers and uploads are separate tables.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...errors import BadChoice
from ...serialization import convert_to_plain
from ..kaggle.facts import Submission
from .file import LedgerFile
from .merge import assign_ref, merge_submissions
from .rows import Answer, Row, drop_non_finite, format_utc, read_rows

FILE_NAME = "ledger.db"


@dataclass(frozen=True)
class Ledger:
    """The ledger of one folder of submissions. Each call is one transaction, so several processes may share it.

    Paths below ``folder`` are stored relative to it, so the folder can be moved.
    """

    folder: Path

    @property
    def path(self) -> Path:
        """The ledger's file, created by the first call that writes."""
        return self.folder / FILE_NAME

    def record(self, answer: Answer) -> int:
        """Record an answer and return its number. An answer that is already recorded changes nothing.

        A copy of a stack's file counts as that stack's answer. A stack's record replaces one made by hand.
        """
        values = _build_answer_values(answer, self._make_relative(answer.path))
        with self._file.open_transaction() as connection:
            known = connection.execute(_SELECT_ANSWER, values).fetchone()
            if known is None:
                return int(connection.execute(_INSERT_ANSWER, values).lastrowid or 0)
            if answer.stack and not known["stack"]:
                connection.execute(_UPDATE_ANSWER, values | {"id": known["id"]})
            elif answer.slug and not known["slug"]:
                connection.execute("UPDATE answers SET slug = :slug WHERE id = :id", values | {"id": known["id"]})
            return int(known["id"])

    def list_uploads(self, slug: str, sha256: str) -> list[Row]:
        """Return the uploads of this content that reached Kaggle, or may have, the newest first."""
        with self._file.open_snapshot() as connection:
            return _select_uploads(read_rows(connection, self.folder, sha256), slug)

    def check_new(self, answer: Answer, *, again: bool = False) -> None:
        """Raise the error that :meth:`begin_upload` would raise for a second upload."""
        if not again:
            _refuse_second_upload(answer.path.name, self.list_uploads(answer.slug, answer.sha256))

    def begin_upload(self, answer: int, description: str, *, again: bool = False) -> int:
        """Record an upload of the answer before it is sent, and return the upload's number.

        If the reply is lost, a later :meth:`merge` finds the submission by the ``description``, which should be unique.
        Content that was uploaded before, or is being uploaded by another process, is refused unless ``again``.
        """
        with self._file.open_transaction() as connection:
            made = connection.execute("SELECT * FROM answers WHERE id = ?", (answer,)).fetchone()
            if made is None or not made["slug"]:
                raise ValueError(f"Only a recorded answer with a slug can be uploaded. Received: {answer}")
            name = Path(made["path"]).name
            if not again:
                _refuse_second_upload(
                    name, _select_uploads(read_rows(connection, self.folder, made["sha256"]), made["slug"])
                )
            began = format_utc(datetime.now(UTC))
            values = {**made, "answer": answer, "file_name": name, "description": description, "began": began}
            return int(connection.execute(_INSERT_UPLOAD, values).lastrowid or 0)

    def mark_accepted(self, upload: int, ref: int) -> None:
        """Record that Kaggle accepted an upload as number ``ref``."""
        with self._file.open_transaction() as connection:
            assign_ref(connection, upload, ref, datetime.now(UTC))

    def mark_failed(self, upload: int, reason: str) -> None:
        """Record that an upload did not reach Kaggle. An upload with a ref stays as it is."""
        with self._file.open_transaction() as connection:
            connection.execute(
                "UPDATE uploads SET status = 'FAILED', reason = ? WHERE id = ? AND ref IS NULL", (reason, upload)
            )

    def merge(self, slug: str, submissions: Sequence[Submission], *, complete: bool = False) -> int:
        """Store the submissions that Kaggle lists, in any order. Others stay in the ledger.

        A submission is matched with the upload with its ref, else with an upload without a ref by its description.
        Otherwise it was uploaded by hand: it belongs to an unsubmitted answer with its file name and size, or to an
        unknown file. If the list is ``complete``, an upload that began ten minutes ago and is not listed has failed.

        Returns
        -------
        int
            Number of new or changed uploads.
        """
        if not submissions and not self.path.exists():
            return 0
        with self._file.open_transaction() as connection:
            return merge_submissions(connection, slug, submissions, complete=complete, now=datetime.now(UTC))

    def list_rows(self, competition: str | None = None, slug: str = "") -> list[Row]:
        """Return all rows, or those of one ``competition`` and of uploads of unknown files to its ``slug``."""
        with self._file.open_snapshot() as connection:
            found = read_rows(connection, self.folder)
        # An unknown file belongs to the competition that it was uploaded to.
        return [
            row
            for row in found
            if competition is None or (row.slug == slug if row.path is None else row.competition == competition)
        ]

    @property
    def _file(self) -> LedgerFile:
        return LedgerFile(self.path)

    def _make_relative(self, path: Path) -> str:
        # A link is recorded by its own path, not by that of its target.
        place = path.absolute().parent.resolve() / path.name
        root = self.folder.resolve()
        return place.relative_to(root).as_posix() if place.is_relative_to(root) else str(place)


_ANSWER_COLUMNS = (
    "competition, slug, path, sha256, total_bytes, made, kind, stack, members, folds, samples, metric, "
    "larger_is_better, own, own_error, own_log_loss, own_corrected"
)
_PLACEHOLDERS = ", ".join(f":{column}" for column in _ANSWER_COLUMNS.split(", "))
# A stack's answer comes first, then the answer at this path.
_SELECT_ANSWER = """
    SELECT id, stack, slug FROM answers
    WHERE competition = :competition AND sha256 = :sha256 AND (path = :path OR (stack != '' AND :stack = ''))
    ORDER BY stack = '', path != :path, id LIMIT 1
"""
_INSERT_ANSWER = f"INSERT INTO answers ({_ANSWER_COLUMNS}) VALUES ({_PLACEHOLDERS})"  # noqa: S608 - our own names
_UPDATE_ANSWER = f"UPDATE answers SET ({_ANSWER_COLUMNS}) = ({_PLACEHOLDERS}) WHERE id = :id"  # noqa: S608
_INSERT_UPLOAD = """
    INSERT INTO uploads (answer, slug, file_name, total_bytes, description, began, status, reason)
    VALUES (:answer, :slug, :file_name, :total_bytes, :description, :began, 'UPLOADING', '')
"""


def _build_answer_values(answer: Answer, path: str) -> dict[str, Any]:
    """Return the values of an answer's columns."""
    return {
        **{name: getattr(answer, name) for name in _ANSWER_COLUMNS.split(", ")},
        "path": path,
        "made": format_utc(answer.made or datetime.now(UTC)),
        "members": json.dumps(convert_to_plain(answer.members)),
        "own": drop_non_finite(answer.own),
        "own_error": drop_non_finite(answer.own_error),
        "own_log_loss": drop_non_finite(answer.own_log_loss),
        "own_corrected": drop_non_finite(answer.own_corrected),
    }


def _select_uploads(rows: list[Row], slug: str) -> list[Row]:
    return [row for row in rows if row.slug == slug and row.status not in {"", "FAILED"}]


def _refuse_second_upload(name: str, earlier: list[Row]) -> None:
    if not earlier:
        return
    row = earlier[0]
    if row.status == "UPLOADING":
        raise BadChoice(
            f"An upload of {name} began at {row.when:%Y-%m-%d %H:%M} UTC, and its result is not known yet: see "
            "`ensembler submissions`, or submit the file nonetheless with --again."
        )
    result = "without a public score" if row.public is None else f"public score {row.public}"
    if row.status == "PENDING":
        result = "not scored yet"
    if row.status == "ERROR":
        result = f"Kaggle could not score it: {row.reason or 'it gives no reason'}"
    raise BadChoice(
        f"The content of {name} was already uploaded as {row.file_name}, submission {row.ref} of "
        f"{row.when:%Y-%m-%d %H:%M} UTC ({result}): submit it again with --again."
    )
