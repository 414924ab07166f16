"""The merge of Kaggle's list of submissions into the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

from ..kaggle.facts import Submission
from .rows import drop_non_finite, format_utc

# An unlisted upload may still be in progress over a slow connection. If it is marked as failed too early, a later merge
# finds it by its description.
UPLOAD_TIMEOUT = timedelta(minutes=10)


def merge_submissions(
    connection: sqlite3.Connection, slug: str, submissions: Sequence[Submission], *, complete: bool, now: datetime
) -> int:
    """Update or add the upload of each submission; see :meth:`Ledger.merge`."""
    # Refs ascend: of two uploads with one description, the older gets the older submission.
    changed = sum(_merge_one(connection, slug, one) for one in sorted(submissions, key=lambda one: one.ref))
    if complete:
        changed += connection.execute(_FAIL_STALE_UPLOADS, (slug, format_utc(now - UPLOAD_TIMEOUT))).rowcount
    return changed


def assign_ref(connection: sqlite3.Connection, upload: int, ref: int, now: datetime) -> None:
    """Set the ref of an upload, with values that a merge may have stored before Kaggle's reply arrived."""
    keys = {"upload": upload, "ref": ref}
    holder = connection.execute(_SELECT_REF_HOLDER, keys).fetchone()
    if holder and holder["id"] == upload:
        return
    values: dict[str, Any] = {"status": "PENDING", "submitted": format_utc(now), "public": None, "private": None}
    values["reason"] = ""
    if holder:
        values = {name: holder[name] for name in values}
        # Without `began` the merge took it for an upload by hand; else it was another upload with this description.
        connection.execute(_DELETE_UPLOAD if holder["began"] is None else _RESET_UPLOAD, (holder["id"],))
    connection.execute(_ASSIGN_REF, keys | values)


def _merge_one(connection: sqlite3.Connection, slug: str, submission: Submission) -> int:
    values = _build_upload_values(slug, submission)
    known = connection.execute("SELECT id FROM uploads WHERE slug = :slug AND ref = :ref", values).fetchone()
    upload = known["id"] if known else _find_by_description(connection, values)
    if upload is not None:
        return connection.execute(_UPDATE_UPLOAD, values | {"id": upload}).rowcount
    # An upload by hand belongs to the newest unsubmitted answer of a stack with this unique file name and size.
    unsubmitted = connection.execute(_SELECT_UNSUBMITTED_ANSWERS, values)
    answer = next((each["id"] for each in unsubmitted if PurePath(each["path"]).name == values["file_name"]), None)
    return connection.execute(_INSERT_UPLOAD, values | {"answer": answer}).rowcount


def _build_upload_values(slug: str, submission: Submission) -> dict[str, Any]:
    return {
        **vars(submission),
        "slug": slug,
        "submitted": format_utc(submission.when) if submission.when else None,
        "public": drop_non_finite(submission.public),
        "private": drop_non_finite(submission.private),
    }


def _find_by_description(connection: sqlite3.Connection, values: dict[str, Any]) -> int | None:
    """Return the upload without a ref that has this description, ignoring whitespace."""
    if not (wanted := values["description"].split()):
        return None
    found = connection.execute(
        "SELECT id, description FROM uploads WHERE slug = :slug AND ref IS NULL ORDER BY id", values
    )
    return next((upload["id"] for upload in found if upload["description"].split() == wanted), None)


_SELECT_REF_HOLDER = "SELECT * FROM uploads WHERE ref = :ref AND slug = (SELECT slug FROM uploads WHERE id = :upload)"
_DELETE_UPLOAD = "DELETE FROM uploads WHERE id = ?"
_RESET_UPLOAD = """
    UPDATE uploads SET ref = NULL, submitted = NULL, status = 'UPLOADING', public = NULL, private = NULL, reason = ''
    WHERE id = ?
"""
_ASSIGN_REF = """
    UPDATE uploads SET ref = :ref, submitted = :submitted, status = :status, public = :public, private = :private,
        reason = :reason
    WHERE id = :upload
"""
# Values that Kaggle omits stay. Equal rows are neither counted nor written.
_UPDATE_UPLOAD = """
    UPDATE uploads SET ref = :ref, status = :status, public = :public, private = :private, reason = :reason,
        submitted = coalesce(:submitted, submitted), description = coalesce(nullif(:description, ''), description),
        file_name = coalesce(nullif(:file_name, ''), file_name),
        total_bytes = coalesce(nullif(:total_bytes, 0), total_bytes)
    WHERE id = :id AND (ref IS NOT :ref OR status != :status OR public IS NOT :public OR private IS NOT :private
        OR reason != :reason OR submitted IS NOT coalesce(:submitted, submitted)
        OR description != coalesce(nullif(:description, ''), description)
        OR file_name != coalesce(nullif(:file_name, ''), file_name)
        OR total_bytes != coalesce(nullif(:total_bytes, 0), total_bytes))
"""
_INSERT_UPLOAD = """
    INSERT INTO uploads (answer, slug, file_name, total_bytes, description, ref, submitted, status, public, private,
        reason)
    VALUES (:answer, :slug, :file_name, :total_bytes, :description, :ref, :submitted, :status, :public, :private,
        :reason)
"""
_SELECT_UNSUBMITTED_ANSWERS = """
    SELECT id, path FROM answers WHERE slug = :slug AND total_bytes = :total_bytes AND stack != ''
        AND NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.answer = answers.id AND ref IS NOT NULL)
    ORDER BY made DESC, id DESC
"""
_FAIL_STALE_UPLOADS = """
    UPDATE uploads SET status = 'FAILED', reason = 'It did not reach Kaggle.'
    WHERE slug = ? AND ref IS NULL AND status = 'UPLOADING' AND began < ?
"""
