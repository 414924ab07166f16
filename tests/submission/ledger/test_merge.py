from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ensembler.submission.kaggle.facts import Submission
from ensembler.submission.ledger.ledger import Ledger
from ensembler.submission.ledger.rows import Answer

SLUG = "dogs-vs-cats"
WHEN = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Two answers, 1 and 2, of one size but other names."""
    ledger = Ledger(tmp_path)
    for name in ("one", "two"):
        ledger.record(Answer("dogs", tmp_path / f"{name}.csv", name, 100, SLUG, stack=name))
    return ledger


def seen(ledger: Ledger) -> set[tuple[str, str, int | None, str]]:
    """Whose answer, which file, which ref, which status."""
    return {(row.stack, row.file_name, row.ref, row.status) for row in ledger.list_rows()}


UNTOUCHED = {("one", "one.csv", None, ""), ("two", "two.csv", None, "")}
TWO = ("two", "two.csv", None, "")


@pytest.mark.parametrize(
    ("begun", "listed", "expected"),
    [
        ([], [], UNTOUCHED),
        (
            [(1, "x", 7)],
            [Submission(7, "COMPLETE", 0.5, file_name="other.csv", description="edited")],
            {("one", "other.csv", 7, "COMPLETE"), TWO},
        ),
        (
            [(1, "first [one]", None)],
            [Submission(7, "PENDING", file_name="one.csv", description=" first\n[one] ")],
            {("one", "one.csv", 7, "PENDING"), TWO},
        ),
        (
            [(1, "same", None), (2, "same", None)],
            [Submission(8, "COMPLETE", description="same"), Submission(7, "ERROR", description="same")],
            {("one", "one.csv", 7, "ERROR"), ("two", "two.csv", 8, "COMPLETE")},
        ),
        (
            [(1, "same", 7)],
            [Submission(7, "COMPLETE", description="same"), Submission(8, "COMPLETE", description="same")],
            {("one", "one.csv", 7, "COMPLETE"), ("", "", 8, "COMPLETE"), TWO},
        ),
        (
            [(1, "", None)],
            [Submission(7, "COMPLETE", description="", file_name="far.csv")],
            {("one", "one.csv", None, "UPLOADING"), ("", "far.csv", 7, "COMPLETE"), TWO},
        ),
        (
            [],
            [Submission(7, "COMPLETE", file_name="one.csv", total_bytes=100)],
            {("one", "one.csv", 7, "COMPLETE"), TWO},
        ),
        (
            [],
            [Submission(7, "COMPLETE", file_name="one.csv", total_bytes=101)],
            {("", "one.csv", 7, "COMPLETE"), *UNTOUCHED},
        ),
        (
            [],
            [Submission(7, "COMPLETE", file_name="three.csv", total_bytes=100)],
            {("", "three.csv", 7, "COMPLETE"), *UNTOUCHED},
        ),
        (
            [(1, "x", 7)],
            [Submission(8, "COMPLETE", file_name="one.csv", total_bytes=100)],
            {("one", "one.csv", 7, "PENDING"), ("", "one.csv", 8, "COMPLETE"), TWO},
        ),
        (
            [(1, "x", None)],
            [Submission(8, "COMPLETE", file_name="one.csv", total_bytes=100)],
            {("one", "one.csv", None, "UPLOADING"), ("one", "one.csv", 8, "COMPLETE"), TWO},
        ),
    ],
    ids=[
        "nothing",
        "ref before all else",
        "description, but for blanks",
        "one description twice, in order",
        "one description, one of them by hand",
        "no description is none to go by",
        "by hand: name and size",
        "by hand: another size",
        "by hand: another name",
        "by hand: an answer that Kaggle has already",
        "by hand: an answer whose upload is not known to have arrived",
    ],
)
def test_each_submission_finds_its_upload(ledger, begun, listed, expected):
    for answer, description, ref in begun:
        upload = ledger.begin_upload(answer, description, again=True)
        if ref:
            ledger.mark_accepted(upload, ref)
    for _ in range(2):
        changed = ledger.merge(SLUG, listed)
        assert seen(ledger) == expected
    assert changed == 0, "the second time there was nothing new"


def test_only_what_changed_is_counted(ledger):
    pending = [Submission(ref, "PENDING", file_name=f"{ref}.csv", when=WHEN) for ref in (1, 2, 3)]
    assert ledger.merge(SLUG, pending) == 3
    scored = Submission(2, "COMPLETE", 0.5, file_name="2.csv", when=WHEN)
    assert ledger.merge(SLUG, [pending[0], scored, pending[2]]) == 1
    assert ledger.merge(SLUG, [scored]) == 0
    assert {row.ref: row.public for row in ledger.list_rows("none", SLUG)} == {1: None, 2: 0.5, 3: None}


def test_a_competition_knows_nothing_of_anothers_submissions(ledger):
    ledger.mark_accepted(ledger.begin_upload(1, "x"), 7)
    ledger.merge("birds", [Submission(7, "COMPLETE", file_name="one.csv", total_bytes=100, description="x")])
    assert seen(ledger) == {("one", "one.csv", 7, "PENDING"), ("", "one.csv", 7, "COMPLETE"), TWO}


def test_what_kaggle_leaves_out_stays_known(ledger):
    ledger.mark_accepted(ledger.begin_upload(1, "x"), 7)
    ledger.merge(SLUG, [Submission(7, "COMPLETE", 0.5, when=WHEN, file_name="one.csv", description="x")])
    ledger.merge(SLUG, [Submission(7, "COMPLETE", 0.5, 0.6)])
    row = ledger.list_rows("dogs")[-1]
    assert (row.submitted, row.file_name, row.description, row.private) == (WHEN, "one.csv", "x", 0.6)


def began_long_ago(ledger: Ledger, upload: int) -> None:
    with contextlib.closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
        connection.execute("UPDATE uploads SET began = '2026-01-01T00:00:00Z' WHERE id = ?", (upload,))


@pytest.mark.parametrize(
    ("old", "complete", "status"),
    [(True, True, "FAILED"), (False, True, "UPLOADING"), (True, False, "UPLOADING")],
)
def test_an_upload_that_kaggle_never_lists_is_given_up_after_a_while(ledger, old, complete, status):
    upload = ledger.begin_upload(1, "x")
    if old:
        began_long_ago(ledger, upload)
    ledger.merge(SLUG, [], complete=complete)
    assert ("one", "one.csv", None, status) in seen(ledger)


def test_an_upload_that_was_given_up_too_early_is_found_all_the_same(ledger):
    began_long_ago(ledger, ledger.begin_upload(1, "x"))
    ledger.merge(SLUG, [], complete=True)
    assert ledger.merge(SLUG, [Submission(7, "COMPLETE", 0.5, description="x")], complete=True) == 1
    assert seen(ledger) == {("one", "one.csv", 7, "COMPLETE"), TWO}
    assert not any(row.reason for row in ledger.list_rows())


def test_a_ref_that_a_merge_took_for_one_by_hand_comes_to_its_upload(ledger):
    upload = ledger.begin_upload(1, "x")
    ledger.merge(SLUG, [Submission(7, "COMPLETE", 0.5, description="cut off", file_name="far.csv")])
    ledger.mark_accepted(upload, 7)
    assert seen(ledger) == {("one", "one.csv", 7, "COMPLETE"), TWO}
    assert ledger.list_rows("dogs")[0].public == 0.5


def test_a_ref_that_a_merge_gave_to_another_upload_of_that_description_comes_to_its_own(ledger):
    ledger.begin_upload(1, "same")
    second = ledger.begin_upload(2, "same")
    ledger.merge(SLUG, [Submission(7, "COMPLETE", 0.5, description="same")])
    assert ("one", "one.csv", 7, "COMPLETE") in seen(ledger)
    ledger.mark_accepted(second, 7)
    assert seen(ledger) == {("one", "one.csv", None, "UPLOADING"), ("two", "two.csv", 7, "COMPLETE")}


def test_a_merge_that_was_quicker_than_the_reply_changes_nothing(ledger):
    upload = ledger.begin_upload(1, "x")
    ledger.merge(SLUG, [Submission(7, "COMPLETE", 0.5, description="x")])
    before = ledger.list_rows()
    ledger.mark_accepted(upload, 7)
    assert ledger.list_rows() == before
