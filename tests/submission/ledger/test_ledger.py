from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ensembler.errors import BadChoice, StorageError
from ensembler.members.stack_record import MemberUsed
from ensembler.submission.kaggle.facts import Submission
from ensembler.submission.ledger.ledger import Ledger
from ensembler.submission.ledger.rows import Answer

SLUG = "dogs-vs-cats"
MEMBERS = (MemberUsed("b0", "0123"), MemberUsed("b2", "4567"))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "submissions")


def answer(ledger: Ledger, name: str = "a.csv", sha256: str = "aa", **told: object) -> Answer:
    made = Answer("dogs", ledger.folder / "dogs" / name, sha256, 100, SLUG, stack="b0_b2", members=MEMBERS)
    return dataclasses.replace(made, **told)


def test_no_ledger_lists_nothing_and_makes_no_file(ledger):
    assert ledger.list_rows() == []
    assert ledger.list_uploads(SLUG, "aa") == []
    assert ledger.merge(SLUG, [], complete=True) == 0
    assert not ledger.folder.exists()


def test_what_was_recorded_is_read_back(ledger):
    told = answer(
        ledger,
        folds="ff",
        samples="55",
        metric="roc auc",
        larger_is_better=True,
        own=0.9,
        own_error=0.01,
        own_log_loss=0.3,
        kind="notebook",
        made=datetime(2026, 1, 31, 12, tzinfo=UTC),
    )
    ledger.record(told)
    (row,) = ledger.list_rows("dogs")
    assert {field.name: getattr(row, field.name) for field in dataclasses.fields(Answer)} == vars(told)
    assert (row.status, row.ref, row.source, row.file_name) == ("", None, "stack", "a.csv")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), None])
def test_a_score_that_is_no_number_is_none(ledger, number):
    ledger.record(answer(ledger, own=number, own_error=number, own_log_loss=number))
    (row,) = ledger.list_rows()
    assert (row.own, row.own_error, row.own_log_loss) == (None, None, None)


def by_hand(told: Answer, **more: object) -> Answer:
    return dataclasses.replace(told, stack="", members=(), own=None, **more)


def test_the_same_answer_is_recorded_once(ledger):
    first = answer(ledger, own=0.25)
    copied = by_hand(first, path=ledger.folder / "copy.csv")
    assert len({ledger.record(told) for told in (first, first, by_hand(first), copied)}) == 1
    (row,) = ledger.list_rows()
    assert (row.stack, row.own, row.path) == ("b0_b2", 0.25, first.path)


def test_what_a_stack_tells_replaces_what_was_recorded_by_hand(ledger):
    number = ledger.record(by_hand(answer(ledger)))
    assert ledger.record(answer(ledger, own=0.25)) == number
    assert [(row.stack, row.own, row.members) for row in ledger.list_rows()] == [("b0_b2", 0.25, MEMBERS)]


@pytest.mark.parametrize("other", [{"sha256": "bb"}, {"competition": "cats"}, {"name": "b.csv"}])
def test_other_bytes_competitions_and_stacks_are_other_answers(ledger, other):
    ledger.record(answer(ledger))
    ledger.record(answer(ledger, **other))
    assert len(ledger.list_rows()) == 2


def test_a_slug_that_becomes_known_later_is_kept(ledger):
    ledger.record(answer(ledger, slug=""))
    ledger.record(answer(ledger))
    ledger.record(answer(ledger, slug=""))
    assert [row.slug for row in ledger.list_rows()] == [SLUG]


def test_paths_follow_a_folder_that_is_moved(ledger, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere" / "mine.csv"
    ledger.record(answer(ledger))
    ledger.record(answer(ledger, sha256="bb", path=elsewhere))
    monkeypatch.chdir(tmp_path)
    ledger.record(answer(ledger, sha256="cc", path=Path("submissions") / "dogs" / ".." / "near.csv"))
    ledger.folder.rename(tmp_path / "moved")
    found = {row.sha256: row.path for row in Ledger(Path("moved")).list_rows()}
    assert found == {
        "aa": tmp_path / "moved" / "dogs" / "a.csv",
        "bb": elsewhere,
        "cc": tmp_path / "moved" / "near.csv",
    }


def test_an_upload_goes_from_begun_to_accepted_to_scored(ledger):
    number = ledger.record(answer(ledger))
    upload = ledger.begin_upload(number, "first [a]")
    (row,) = ledger.list_rows()
    assert (row.status, row.ref, row.description) == ("UPLOADING", None, "first [a]")
    assert abs(row.began - datetime.now(UTC)) < timedelta(minutes=1)
    ledger.mark_accepted(upload, 11)
    ledger.mark_failed(upload, "too late to fail")
    (row,) = ledger.list_rows()
    assert (row.status, row.ref, row.reason) == ("PENDING", 11, "")
    ledger.merge(SLUG, [Submission(11, "COMPLETE", 0.04, 0.05)])
    (row,) = ledger.list_rows()
    assert (row.status, row.public, row.private, row.description) == ("COMPLETE", 0.04, 0.05, "first [a]")


def test_only_an_answer_with_a_slug_can_be_uploaded(ledger):
    for number in (ledger.record(answer(ledger, slug="")), 99):
        with pytest.raises(ValueError, match="slug"):
            ledger.begin_upload(number, "first")


def test_the_same_bytes_are_uploaded_again_only_if_asked(ledger):
    number = ledger.record(answer(ledger))
    ledger.mark_accepted(ledger.begin_upload(number, "first"), 11)
    copy = ledger.record(answer(ledger, "renamed.csv"))
    ledger.merge(SLUG, [Submission(11, "COMPLETE", 0.04, when=datetime(2026, 1, 31, tzinfo=UTC))])
    said = r"was already uploaded as a\.csv, submission 11 of 2026-01-31 00:00 UTC \(public score 0\.04\).*again=True"
    with pytest.raises(BadChoice, match=said):
        ledger.begin_upload(copy, "second")
    with pytest.raises(BadChoice, match=said):
        ledger.check_new(answer(ledger, "renamed.csv"))
    for new in (answer(ledger, sha256="bb"), answer(ledger, slug="another-competition")):
        ledger.check_new(new)
    ledger.check_new(answer(ledger), again=True)
    ledger.mark_accepted(ledger.begin_upload(copy, "second", again=True), 12)
    assert {row.ref for row in ledger.list_uploads(SLUG, "aa")} == {11, 12}
    assert len(ledger.list_rows()) == 2
    assert ledger.list_uploads("another-competition", "aa") == []


@pytest.mark.parametrize(
    ("fate", "said"),
    [
        (lambda ledger, upload: None, "its result is not known yet"),
        (lambda ledger, upload: ledger.mark_accepted(upload, 11), "not scored yet"),
        (lambda ledger, upload: ledger.merge(SLUG, [Submission(9, "ERROR", description="x", reason="Bad")]), "it: Bad"),
        (lambda ledger, upload: ledger.mark_failed(upload, "No network."), None),
    ],
    ids=["begun", "pending", "refused", "failed"],
)
def test_what_an_earlier_upload_means_for_the_next(ledger, fate, said):
    number = ledger.record(answer(ledger))
    fate(ledger, ledger.begin_upload(number, "x"))
    if said is None:
        ledger.begin_upload(number, "y")
        return
    with pytest.raises(BadChoice, match=said):
        ledger.begin_upload(number, "y")


def test_of_several_that_upload_the_same_bytes_at_once_one_may(ledger):
    number = ledger.record(answer(ledger))

    def begin(one: int) -> int:
        with contextlib.suppress(BadChoice):
            return ledger.begin_upload(number, f"{one}")
        return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(upload > 0 for upload in pool.map(begin, range(8))) == 1


def test_rows_are_of_one_competition_or_all_the_newest_first(ledger):
    day = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(3):
        ledger.record(answer(ledger, f"{number}.csv", f"{number}", made=day + timedelta(days=number)))
    ledger.record(answer(ledger, sha256="cc", competition="cats", slug="only-cats", made=day))
    ledger.mark_accepted(ledger.begin_upload(1, "the oldest file, the newest upload"), 5)
    ledger.merge(SLUG, [Submission(4, "COMPLETE", file_name="mine.csv", when=day + timedelta(hours=36))])
    names = [row.file_name for row in ledger.list_rows("dogs", SLUG)]
    assert names == ["0.csv", "2.csv", "mine.csv", "1.csv"]
    assert [row.file_name for row in ledger.list_rows("dogs")] == ["0.csv", "2.csv", "1.csv"]
    assert [row.competition for row in ledger.list_rows()] == ["dogs", "dogs", SLUG, "dogs", "cats"]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    ledger = Ledger(tmp_path / "file" / "below")
    assert ledger.list_rows() == []
    with pytest.raises(StorageError, match="file"):
        ledger.record(answer(ledger))


WRITER = """
import sys
from pathlib import Path
from ensembler.submission.ledger.ledger import Ledger
from ensembler.submission.ledger.rows import Answer

ledger, name = Ledger(Path(sys.argv[1])), sys.argv[2]
for number in range(int(sys.argv[3])):
    answer = ledger.record(Answer("dogs", ledger.folder / f"{name}-{number}.csv", f"{name}-{number}", 1, "dogs"))
    if number % 5 == 0:
        ledger.mark_accepted(ledger.begin_upload(answer, f"{name}-{number}"), number + 1000 * int(name))
    print(number, flush=True)
"""


def writer(ledger: Ledger, name: str, rows: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WRITER, str(ledger.folder), name, str(rows)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def test_two_processes_that_write_at_once_lose_nothing(ledger):
    with writer(ledger, "1", 200) as one, writer(ledger, "2", 200) as other:
        for process in (one, other):
            process.communicate(timeout=60)
    assert (one.returncode, other.returncode) == (0, 0)
    rows = ledger.list_rows()
    assert {row.sha256 for row in rows} == {f"{name}-{number}" for name in "12" for number in range(200)}
    refs = [row.ref for row in rows if row.ref]
    assert sorted(refs) == [number + 1000 * name for name in (1, 2) for number in range(0, 200, 5)]
    assert len(rows) == 400


def test_a_process_that_is_killed_while_writing_loses_only_what_it_had_not_finished(ledger):
    for kill in range(1, 4):
        before = len(ledger.list_rows())
        with writer(ledger, str(kill), 100_000) as process:
            written = [process.stdout.readline() for _ in range(5 * kill)]
            os.kill(process.pid, signal.SIGKILL)
            written += process.stdout.readlines()
        assert process.returncode == -signal.SIGKILL
        assert before + len(written) <= len(ledger.list_rows()) <= before + len(written) + 1
    ledger.record(answer(ledger))
    assert ledger.list_rows()[0].competition == "dogs"


def test_the_ledger_loads_nothing_heavy():
    code = "import sys, ensembler.submission.ledger.ledger; print(*{name.split('.')[0] for name in sys.modules})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "sqlite3" in ended.stdout.split()
    assert not {"pandas", "numpy", "requests", "kaggle", "tensorflow", "sklearn", "PIL"} & set(ended.stdout.split())
