from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.kaggle_server import KaggleServer
from helpers.photos import Heard

from ensembler.errors import BadChoice, BadData, KaggleError, StorageError
from ensembler.paths import Workspace
from ensembler.progress import Progress
from ensembler.storage import compute_file_digest, write_text
from ensembler.submission.kaggle.errors import BadCredential, TransientError
from ensembler.submission.kaggle.facts import Submission
from ensembler.submission.kaggle.submissions import Kaggle
from ensembler.submission.ledger.ledger import Ledger
from ensembler.submission.ledger.rows import FIELD_NAMES, Answer, Row
from ensembler.workflows.submit.submissions import refresh_ledger, submissions

DOGS, CATS, OWN = "dogs-vs-cats", "only-cats", "own-photos"


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def ledger(workspace: Workspace) -> Ledger:
    """Three competitions, the first one current, the last one not on Kaggle; an answer to each."""
    for name, slug in ((DOGS, DOGS), (CATS, CATS), (OWN, "")):
        write_text(workspace.competition(name).manifest, f'name = "{name}"\nslug = "{slug}"\n')
        record(workspace, name, slug)
    workspace.make_current(workspace.competition(DOGS))
    return Ledger(workspace.submissions)


def record(workspace: Workspace, name: str, slug: str, stack: str = "b0") -> int:
    path = workspace.submissions / name / f"20260101-000000-{stack}.csv"
    write_text(path, f"id,label\n{name},{stack}\n")
    fields = {"stack": stack, "metric": "log loss", "own": 0.035, "own_error": 0.002}
    return Ledger(workspace.submissions).record(
        Answer(name, path, compute_file_digest(path), path.stat().st_size, slug, **fields)
    )


class Fake:
    """A Kaggle that lists the same everywhere, or refuses."""

    def __init__(self, answer: list[Submission] | Callable[[str], list[Submission]]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def connect(self, _progress: Progress) -> Fake:
        return self

    def list_submissions(self, slug: str, /) -> list[Submission]:
        self.asked.append(slug)
        return self.answer if isinstance(self.answer, list) else self.answer(slug)


def refusing(error: Exception) -> Fake:
    def refuse(_slug: str) -> list[Submission]:
        raise error

    return Fake(refuse)


def names(rows: list[Row]) -> list[str]:
    return sorted(row.competition for row in rows)


def test_without_asking_kaggle_the_ledger_is_shown_as_it_is(ledger, workspace, heard):
    def listed(competition: str | None = None, *, all_competitions: bool = False) -> list[str]:
        return names(
            submissions(
                competition, all_competitions=all_competitions, offline=True, workspace=workspace, progress=heard
            )
        )

    assert listed() == [DOGS]
    assert listed(CATS) == [CATS]
    assert listed(all_competitions=True) == [DOGS, CATS, OWN]
    assert not heard.warnings


def test_a_competition_whose_data_are_gone_is_still_listed(ledger, workspace):
    for name in (DOGS, CATS):
        workspace.competition(name).manifest.unlink()
    assert names(submissions(CATS, offline=True, workspace=workspace)) == [CATS]
    assert names(submissions(all_competitions=True, offline=True, workspace=workspace)) == [DOGS, CATS, OWN]
    with pytest.raises(BadChoice, match=f"did you mean {CATS}"):
        submissions("only-cast", offline=True, workspace=workspace)


def test_nothing_fetched_and_nothing_recorded(workspace):
    assert submissions(all_competitions=True, workspace=workspace) == []
    with pytest.raises(BadChoice, match=r"start with `ensembler\.fetch\('SLUG'\)`"):
        submissions(workspace=workspace)
    assert not workspace.submissions.exists()


def test_a_broken_manifest_is_a_warning(ledger, workspace, heard):
    workspace.competition(CATS).manifest.write_text("slug = [")
    assert names(submissions(offline=True, workspace=workspace, progress=heard)) == [DOGS]
    assert [CATS in warning for warning in heard.warnings] == [True]


def test_a_damaged_ledger_is_told_of(ledger, workspace):
    ledger.path.write_text("nonsense")
    with pytest.raises(BadData, match="move it away"):
        submissions(offline=True, workspace=workspace)


def test_a_competition_that_is_not_on_kaggle_asks_nothing(ledger, workspace, heard):
    # There is no Kaggle here, so asking would be a warning.
    assert names(submissions(OWN, workspace=workspace, progress=heard)) == [OWN]
    assert not heard.warnings


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (KaggleError("Not for you."), [DOGS, CATS]),
        (TransientError("No network."), [DOGS]),
        (BadCredential("Who are you?"), [DOGS]),
    ],
)
def test_what_kaggle_refuses_is_a_warning_and_asked_once_if_it_is_the_same_for_all(ledger, heard, error, asked):
    before = ledger.list_rows()
    kaggle = refusing(error)
    refresh_ledger(ledger, [DOGS, CATS], kaggle.connect, heard)
    assert kaggle.asked == asked
    assert ledger.list_rows() == before
    assert len(heard.warnings) == len(asked)
    assert all(str(error) in warning for warning in heard.warnings)


def test_that_there_is_no_kaggle_is_a_warning(ledger, heard):
    def connect(_progress: Progress) -> Fake:
        raise KaggleError("You are not signed in to Kaggle.")

    refresh_ledger(ledger, [DOGS], connect, heard)
    assert [warning.startswith("You are not signed in to Kaggle. ") for warning in heard.warnings] == [True]


def test_that_the_answer_cannot_be_kept_is_a_warning(ledger, heard, tmp_path):
    class Full(Ledger):
        def merge(self, *_: object, **__: object) -> int:
            raise StorageError("The disk is full.")

    refresh_ledger(Full(tmp_path), [DOGS, CATS], Fake([]).connect, heard)
    assert len(heard.warnings) == 1


def test_an_upload_that_was_begun_long_ago_and_is_not_listed_has_failed(ledger, heard):
    ledger.begin_upload(1, "never arrived")
    with contextlib.closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
        connection.execute("UPDATE uploads SET began = '2026-01-01T00:00:00Z'")
    refresh_ledger(ledger, [DOGS], Fake([]).connect, heard)
    assert [(row.status, row.reason) for row in ledger.list_rows(DOGS)] == [("FAILED", "It did not reach Kaggle.")]


def test_nobody_signs_in_if_there_is_nothing_to_ask(ledger, heard):
    def connect(_progress: Progress) -> Fake:
        raise AssertionError

    refresh_ledger(ledger, [], connect, heard)


@pytest.fixture
def kaggle(tmp_path: Path) -> Iterator[KaggleServer]:
    with KaggleServer({DOGS: b"", CATS: b""}) as server, server.in_process(tmp_path / "home"):
        yield server


def listed_on(kaggle: KaggleServer, ref: int, file: Path, description: str = "") -> None:
    """Have Kaggle know a submission; the newest comes first."""
    fields = {"ref": ref, "fileName": file.name, "totalBytes": file.stat().st_size, "description": description}
    scores = {"status": "PENDING", "publicScore": "", "privateScore": "", "date": "2026-01-02T03:04:05Z"}
    kaggle.submissions.insert(0, fields | scores)


def test_pending_killed_and_foreign_uploads_are_settled_by_the_real_client(ledger, workspace, kaggle, tmp_path):
    killed = record(workspace, DOGS, DOGS, "b2")
    write_text(tmp_path / "foreign.csv", "id\n")
    uploaded, by_hand = (row.path for row in ledger.list_rows(DOGS))
    first = ledger.begin_upload(killed, "mine [b2]")
    listed_on(kaggle, 11, tmp_path / "foreign.csv")
    listed_on(kaggle, 12, by_hand, "in the browser")
    listed_on(kaggle, 13, uploaded, "mine [b2]")
    rows = submissions(workspace=workspace)
    assert [(row.ref, row.status, row.public, row.stack) for row in rows] == [
        (13, "PENDING", None, "b2"),
        (12, "PENDING", None, "b0"),
        (11, "PENDING", None, ""),
    ]
    ledger.mark_accepted(first, 13)
    rows = submissions(workspace=workspace)
    assert [(row.ref, row.status, row.public) for row in rows] == [(ref, "COMPLETE", 0.04) for ref in (13, 12, 11)]
    assert [row.gap and round(row.gap, 6) for row in rows] == [0.005, 0.005, None]
    assert [row.when.minute for row in rows] == [4, 4, 4]


def test_all_pages_are_read(workspace, kaggle, tmp_path):
    write_text(workspace.competition(DOGS).manifest, f'slug = "{DOGS}"\n')
    write_text(tmp_path / "mine.csv", "id\n")
    for ref in range(1, 251):
        listed_on(kaggle, ref, tmp_path / "mine.csv")
    rows = submissions(DOGS, workspace=workspace)
    assert [row.ref for row in rows] == list(range(250, 0, -1))
    assert len(kaggle.asked("ListSubmissions")) > 1


def test_a_refused_credential_is_a_warning_without_the_key(ledger, workspace, kaggle, heard, monkeypatch):
    monkeypatch.setenv("KAGGLE_KEY", "a-wrong-secret")
    assert names(submissions(workspace=workspace, progress=heard)) == [DOGS]
    assert len(heard.warnings) == 1
    assert "a-wrong-secret" not in heard.warnings[0]


def test_the_client_lists_what_is_needed_here(kaggle):
    assert Kaggle.connect().list_submissions(DOGS) == []


def typed(*words: str, workspace: Workspace) -> subprocess.CompletedProcess[str]:
    places = ["--data", str(workspace.data), "--submissions", str(workspace.submissions)]
    command = [sys.executable, "-m", "ensembler", *places, "submissions", *words]
    ended = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "COLUMNS": "80"})
    return subprocess.CompletedProcess(command, ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def test_the_command_prints_a_table_json_and_csv(ledger, workspace, kaggle):
    listed_on(kaggle, 12, ledger.list_rows(DOGS)[0].path, "by hand, with a description of some length")
    submissions(workspace=workspace)
    table = typed(workspace=workspace)
    assert table.returncode == 0, table.stderr
    header, line = table.stdout.splitlines()
    assert header.split("  ")[0] == "when (UTC)"
    assert "0.0350 ± 0.0020" in line
    assert "+0.0050 (2.5 se)" in line
    assert line.endswith("by hand, with a description of some length")
    (row,) = json.loads(typed("--offline", "--json", workspace=workspace).stdout)
    assert tuple(row) == FIELD_NAMES
    assert (row["ref"], row["public"], row["status"]) == (12, 0.04, "COMPLETE")
    printed = typed("--offline", "--all-competitions", "--csv", workspace=workspace).stdout
    assert printed.count("\r\n") == printed.count("\n") == 4
    assert [row["competition"] for row in csv.DictReader(io.StringIO(printed))].count(CATS) == 1


@pytest.mark.parametrize("words", [(), ("--json",), ("--csv",)])
def test_letters_that_a_pipe_on_windows_does_not_know_are_no_bug(words, ledger, workspace, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    ledger.merge(DOGS, [Submission(7, "COMPLETE", public=0.5, description="größer als 日本")])
    places = ["--data", str(workspace.data), "--submissions", str(workspace.submissions)]
    command = [sys.executable, "-m", "ensembler", *places, "submissions", "--offline", *words]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    expected = {(): "größer als \\u65e5\\u672c".encode("cp1252"), ("--json",): b"\\u65e5", ("--csv",): "日本".encode()}
    assert expected[words] in printed


@pytest.mark.parametrize(("words", "printed"), [([], ""), (["--json"], "[]\n")])
def test_the_command_says_what_to_do_if_there_is_nothing(words, printed, workspace):
    ended = typed("--all", *words, workspace=workspace)
    assert (ended.returncode, ended.stdout) == (0, printed)
    assert "stack` writes a CSV" in ended.stderr


@pytest.mark.parametrize("words", [["--all", "-c", DOGS], ["--json", "--csv"]])
def test_options_that_exclude_each_other_are_wrong_usage(words, workspace):
    ended = typed(*words, workspace=workspace)
    assert ended.returncode == 2
    assert "exclude each other" in ended.stderr


def test_an_offline_list_loads_nothing_that_is_slow(ledger, workspace):
    code = (
        "import sys, pathlib, ensembler\n"
        "place = ensembler.Workspace(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))\n"
        "assert len(ensembler.submissions(offline=True, workspace=place)) == 1\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    words = [sys.executable, "-c", code, str(workspace.data), str(workspace.submissions)]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "requests", "kaggle", "tensorflow", "sklearn", "PIL"} & set(loaded)
