"""The ledger: every answer that was made, every upload of it, and what Kaggle said; ``submissions/ledger.db``.

An answer is a file, known by its bytes. It may be uploaded several times, by us or by hand in the browser, and Kaggle
may know uploads of files that we never saw: so answers and uploads are two tables.
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
    """The ledger of one folder of submissions; each call is one transaction, so several processes may use it at once.

    Paths below ``folder`` are kept relative to it, so the folder can be moved as a whole.
    """

    folder: Path

    @property
    def path(self) -> Path:
        """The ledger's file; it is made by the first call that writes."""
        return self.folder / FILE_NAME

    def record(self, answer: Answer) -> int:
        """Record an answer and return its number; the same answer again changes nothing.

        A file whose bytes a stack is known to have made is that stack's answer wherever it was copied to; a stack's
        record replaces one made by hand.
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
        """Return the uploads of these very bytes that reached Kaggle, or may have; newest first."""
        with self._file.open_snapshot() as connection:
            return _select_uploads(read_rows(connection, self.folder, sha256), slug)

    def check_new(self, answer: Answer, *, again: bool = False) -> None:
        """Refuse what :meth:`begin_upload` would refuse, without beginning."""
        if not again:
            _refuse_second_upload(answer.path.name, self.list_uploads(answer.slug, answer.sha256))

    def begin_upload(self, answer: int, description: str, *, again: bool = False) -> int:
        """Record that an upload of the answer begins, before its first byte is sent, and return the upload's number.

        If no reply ever comes, because the process was killed say, a later :meth:`merge` finds out what became of it,
        by the ``description`` alone, which should be unique. Bytes that have been uploaded before, or are being
        uploaded by another process, are refused unless ``again``.
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
            values = {
                "answer": answer,
                "slug": made["slug"],
                "file_name": name,
                "total_bytes": made["total_bytes"],
                "description": description,
                "began": format_utc(datetime.now(UTC)),
            }
            return int(connection.execute(_INSERT_UPLOAD, values).lastrowid or 0)

    def mark_accepted(self, upload: int, ref: int) -> None:
        """Record that Kaggle accepted an upload as number ``ref``."""
        with self._file.open_transaction() as connection:
            assign_ref(connection, upload, ref, datetime.now(UTC))

    def mark_failed(self, upload: int, reason: str) -> None:
        """Record that an upload did not reach Kaggle; one that is known to have reached it stays as it is."""
        with self._file.open_transaction() as connection:
            connection.execute(
                "UPDATE uploads SET status = 'FAILED', reason = ? WHERE id = ? AND ref IS NULL", (reason, upload)
            )

    def merge(self, slug: str, submissions: Sequence[Submission], *, complete: bool = False) -> int:
        """Take over what Kaggle lists, in any order; nothing that is not in ``submissions`` is forgotten.

        A submission is the upload with its ref; else the one without a ref that has its description; else, uploaded by
        hand, it is of the answer with its file name and size that Kaggle has not had yet; else of an unknown file. If
        the list is ``complete``, an upload that began ten minutes ago and is not in it has failed.

        Returns
        -------
        int
            Number of uploads that are new or have changed.
        """
        if not submissions and not self.path.exists():
            return 0
        with self._file.open_transaction() as connection:
            return merge_submissions(connection, slug, submissions, complete=complete, now=datetime.now(UTC))

    def list_rows(self, competition: str | None = None, slug: str = "") -> list[Row]:
        """Return all rows, newest first: of one ``competition``, and of uploads by hand to its ``slug``, if given."""
        with self._file.open_snapshot() as connection:
            found = read_rows(connection, self.folder)
        # An unknown file is of the competition that it was uploaded to.
        return [
            row
            for row in found
            if competition is None or (row.slug == slug if row.path is None else row.competition == competition)
        ]

    @property
    def _file(self) -> LedgerFile:
        return LedgerFile(self.path)

    def _make_relative(self, path: Path) -> str:
        # A link is recorded by its own path, not by its target's.
        place = path.absolute().parent.resolve() / path.name
        root = self.folder.resolve()
        return place.relative_to(root).as_posix() if place.is_relative_to(root) else str(place)


_ANSWER_COLUMNS = (
    "competition, slug, path, sha256, total_bytes, made, kind, stack, members, folds, samples, metric, "
    "larger_is_better, own, own_error, own_log_loss"
)
_PLACEHOLDERS = ", ".join(f":{column}" for column in _ANSWER_COLUMNS.split(", "))
# The stack's answer comes first, then the one at this path.
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
    }


def _select_uploads(rows: list[Row], slug: str) -> list[Row]:
    return [row for row in rows if row.slug == slug and row.status not in {"", "FAILED"}]


def _refuse_second_upload(name: str, earlier: list[Row]) -> None:
    if not earlier:
        return
    row = earlier[0]
    if row.status == "UPLOADING":
        raise BadChoice(
            f"An upload of {name} began at {row.when:%Y-%m-%d %H:%M} UTC and its end is not known yet: see "
            "`ensembler submissions`, or submit it all the same with --again."
        )
    result = "without a public score" if row.public is None else f"public score {row.public}"
    if row.status == "PENDING":
        result = "not scored yet"
    if row.status == "ERROR":
        result = f"Kaggle could not score it: {row.reason or 'it gives no reason'}"
    raise BadChoice(
        f"The bytes of {name} were uploaded already as {row.file_name}, submission {row.ref} of "
        f"{row.when:%Y-%m-%d %H:%M} UTC ({result}): submit them once more with --again."
    )
