"""The command's way from a stack to a scored submission, by the real client and a local server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.kaggle_code_server import KaggleCodeServer
from helpers.kaggle_server import USER, Answer
from helpers.members_made import small_competition
from helpers.photos import Heard
from helpers.stacks_made import as_if_on_kaggle, make_stack

from ensembler.cli import commands
from ensembler.competition.manifest import Manifest
from ensembler.competition.samples import compute_samples_fingerprint
from ensembler.competition.tables import load_tables
from ensembler.errors import BadChoice, KaggleError
from ensembler.paths import Workspace
from ensembler.serialization import read_json, write_json
from ensembler.storage import compute_file_digest
from ensembler.submission.kaggle.polling import PollingPolicy
from ensembler.submission.ledger.ledger import Ledger
from ensembler.submission.ledger.rows import Row
from ensembler.workflows.fetch.tables import open_refreshed_competition
from ensembler.workflows.submit.notebook import make_polling_policy, notebook

SLUG = "some-pets"
REFERENCE = f"{USER}/ensembler-some-pets-a-b"
QUICK = PollingPolicy(timeout=5, first_pause=0.01, max_pause=0.02, settling_seconds=0.2)

pytestmark = pytest.mark.usefixtures("light")


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensembler.submission.notebook.folder.SHIPPED", ("ensembler", "tomli-w"))


@pytest.fixture
def local(tmp_path: Path) -> Workspace:
    """An adopted competition with a finished stack, not on Kaggle yet."""
    folder, tables = small_competition(tmp_path)
    make_stack(folder, tables)
    return Workspace(tmp_path / "data", tmp_path / "submissions")


@pytest.fixture
def place(local: Workspace) -> Workspace:
    folder = local.competition("made")
    as_if_on_kaggle(folder, SLUG)
    open_refreshed_competition("made", local, Heard())
    make_stack(folder, load_tables(folder))
    return local


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleCodeServer]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with KaggleCodeServer({SLUG: b""}) as server, server.in_process(tmp_path / "home"):
        yield server


def uploads(place: Workspace) -> list[Row]:
    return [row for row in Ledger(place.submissions).list_rows() if row.began]


def test_without_a_push_the_folder_is_left_and_nobody_is_asked(place: Workspace, server: KaggleCodeServer) -> None:
    result = notebook(workspace=place)
    assert result.folder.root == place.competition("made").stack("a_b") / "notebook"
    assert sorted(path.name for path in result.folder.root.iterdir()) == ["dataset", "notebook"]
    assert (result.version, result.submission) == (None, None)
    assert not server.requests


def test_pushed_run_submitted_scored_and_remembered(place: Workspace, server: KaggleCodeServer, tmp_path: Path) -> None:
    result = notebook("a_b", submit=True, message="first", output=tmp_path / "out", waits=QUICK, workspace=place)
    assert (result.folder.root, result.folder.reference) == (tmp_path / "out", REFERENCE)
    assert (result.version, result.submission.status, result.submission.public) == (1, "COMPLETE", 0.04)
    assert "stack.keras" in server.datasets[REFERENCE].versions[0]
    [row] = uploads(place)
    assert (row.kind, row.stack, row.slug, row.ref) == ("notebook", "a_b", SLUG, result.submission.ref)
    assert (row.own, row.own_error, row.public, row.status) == (0.4, 0.01, 0.04, "COMPLETE")
    assert row.description == "first [ensembler-some-pets-a-b version 1]"
    assert [member.name for member in row.members] == ["a", "b"]


def test_the_same_command_sends_nothing_twice(place: Workspace, server: KaggleCodeServer) -> None:
    first, second = (notebook(submit=True, waits=QUICK, workspace=place) for _ in range(2))
    assert first == second
    for method in ("CreateDataset", "SaveKernel", "CreateCodeSubmission"):
        assert len(server.asked(method)) == 1
    assert not server.asked("CreateDatasetVersion")
    assert len(uploads(place)) == 1


@pytest.mark.parametrize(
    "method", ["GetDatasetStatus", "ListDatasetFiles", "GetKernelSessionStatus", "ListSubmissions", "GetSubmission"]
)
def test_interrupted_anywhere_it_goes_on(method: str, place: Workspace, server: KaggleCodeServer) -> None:
    """A refusal stands for Ctrl-C: it ends the command in the midst of a step."""
    server.fail(method, Answer(401, {"code": 401, "message": "Unauthenticated"}))
    with pytest.raises(KaggleError):
        notebook(submit=True, waits=QUICK, workspace=place)
    server.fail(method, server.answer)
    result = notebook(submit=True, waits=QUICK, workspace=place)
    assert result.submission.public == 0.04
    assert [len(made.versions) for made in server.datasets.values()] == [1]
    assert len(server.kernels[REFERENCE].pushed) == 1
    assert len(server.submissions) == 1
    assert [row.status for row in uploads(place)] == ["COMPLETE"]


def test_a_lost_reply_to_a_submission_is_resolved_by_the_next_run(place: Workspace, server: KaggleCodeServer) -> None:
    server.fail("CreateCodeSubmission", server.lose_reply, times=1)
    with pytest.raises(KaggleError, match="may still count"):
        notebook(submit=True, waits=QUICK, workspace=place)
    assert [row.status for row in uploads(place)] == ["UPLOADING"]
    notebook(submit=True, message="changed words", waits=QUICK, workspace=place)
    assert len(server.submissions) == 1
    assert [(row.status, row.public) for row in uploads(place)] == [("COMPLETE", 0.04)]


CLOSED = [
    ({"submissionsDisabled": True}, {}, "accepts no submissions"),
    ({"userHasEntered": False}, {}, "have not joined"),
    ({}, {"numToday": 5, "numAllowedNow": 0}, "used up"),
]


@pytest.mark.parametrize(("facts", "limits", "words"), CLOSED)
def test_nothing_is_pushed_that_would_not_be_taken(
    facts: dict[str, Any], limits: dict[str, Any], words: str, place: Workspace, server: KaggleCodeServer
) -> None:
    server.facts, server.limits = facts, server.limits | limits
    with pytest.raises(KaggleError, match=words):
        notebook(submit=True, waits=QUICK, workspace=place)
    assert (server.datasets, server.kernels, server.submissions, uploads(place)) == ({}, {}, [], [])


@pytest.mark.parametrize("code_only", [False, True])
def test_any_open_competition_takes_notebooks(code_only: bool, place: Workspace, server: KaggleCodeServer) -> None:
    server.facts = {"isKernelsSubmissionsOnly": code_only}
    heard = Heard()
    notebook(submit=True, waits=QUICK, workspace=place, progress=heard)
    assert "4 submissions left today, 1 made." in heard.notes
    assert len(server.submissions) == 1


@pytest.mark.parametrize(("facts", "limits", "words"), CLOSED)
def test_what_was_submitted_already_is_waited_for_all_the_same(
    facts: dict[str, Any], limits: dict[str, Any], words: str, place: Workspace, server: KaggleCodeServer
) -> None:
    del words
    notebook(submit=True, wait=False, waits=QUICK, workspace=place)
    server.facts, server.limits = facts, server.limits | limits
    assert notebook(submit=True, waits=QUICK, workspace=place).submission.public == 0.04


def change_stack(place: Workspace, **figures: Any) -> None:
    path = place.competition("made").stack("a_b") / "stack.json"
    write_json(path, read_json(path) | figures)


@pytest.mark.parametrize(("built_for", "larger"), [("log loss", False), ("roc auc", True)])
@pytest.mark.parametrize("today", ["mean column-wise roc auc", "log loss"])
def test_the_ledger_gets_the_metric_that_the_stack_was_built_for(
    built_for: str, larger: bool, today: str, place: Workspace, server: KaggleCodeServer
) -> None:
    folder = place.competition("made")
    replace(Manifest.load(folder.manifest), metric=today).save(folder.manifest)
    change_stack(place, metric=built_for)
    notebook(submit=True, wait=False, waits=QUICK, workspace=place)
    [row] = uploads(place)
    assert (row.metric, row.larger_is_better, row.own) == (built_for, larger, 0.4)


def test_a_metric_that_is_not_kaggles_has_no_direction(place: Workspace, server: KaggleCodeServer) -> None:
    write_json(place.competition("made").facts, {"metric": "Weighted Whale Score"})
    notebook(submit=True, wait=False, waits=QUICK, workspace=place)
    assert [row.larger_is_better for row in uploads(place)] == [None]


def test_the_ledger_gets_folds_and_photos_that_the_stack_was_built_on(
    place: Workspace, server: KaggleCodeServer
) -> None:
    change_stack(place, folds="folds then", samples="samples then")
    notebook(submit=True, wait=False, waits=QUICK, workspace=place)
    [row] = uploads(place)
    assert (row.folds, row.samples) == ("folds then", "samples then")


def test_a_stack_that_does_not_tell_its_folds_is_taken_to_rest_on_todays(
    place: Workspace, server: KaggleCodeServer
) -> None:
    folder = place.competition("made")
    notebook(submit=True, wait=False, waits=QUICK, workspace=place)
    [row] = uploads(place)
    assert row.folds == compute_file_digest(folder.folds)
    assert row.samples == compute_samples_fingerprint(folder, Manifest.load(folder.manifest))


def test_a_refused_submission_is_told_and_remembered(place: Workspace, server: KaggleCodeServer) -> None:
    server.fail("CreateCodeSubmission", Answer(400, {"code": 400, "message": "Submission not allowed today"}))
    with pytest.raises(KaggleError, match="Submission not allowed today"):
        notebook(submit=True, waits=QUICK, workspace=place)
    [row] = uploads(place)
    assert row.status == "FAILED"
    assert "not allowed today" in row.reason


def test_a_submission_that_kaggle_cannot_score_is_told_with_its_reason(
    place: Workspace, server: KaggleCodeServer
) -> None:
    server.outcome = {"status": "ERROR", "errorDescription": "Notebook Timeout"}
    with pytest.raises(KaggleError, match=r"could not score submission 5001: Notebook Timeout; see "):
        notebook(submit=True, waits=QUICK, workspace=place)
    assert [(row.status, row.reason) for row in uploads(place)] == [("ERROR", "Notebook Timeout")]


def test_a_failed_run_leaves_its_log(place: Workspace, server: KaggleCodeServer) -> None:
    server.ending, server.log = {"status": "ERROR", "failureMessage": "it broke"}, "BadData: no photos\n"
    with pytest.raises(KaggleError, match="it broke"):
        notebook(push=True, waits=QUICK, workspace=place)
    assert (place.competition("made").logs / "notebook-a_b.log").read_text() == "BadData: no photos\n"


def test_without_waiting_the_score_is_left_for_later(place: Workspace, server: KaggleCodeServer) -> None:
    result = notebook(submit=True, wait=False, waits=QUICK, workspace=place)
    assert (result.submission.status, result.submission.public) == ("PENDING", None)
    assert not server.asked("GetSubmission")


def test_what_is_not_on_kaggle_is_refused(local: Workspace, server: KaggleCodeServer) -> None:
    with pytest.raises(BadChoice, match="not on Kaggle"):
        notebook(workspace=local)
    with pytest.raises(BadChoice, match="omit push=True"):
        notebook(push=True, workspace=local)
    assert not server.requests


@pytest.mark.parametrize("minutes", [0, -1, float("nan")])
def test_a_wait_without_length_is_refused(minutes: float) -> None:
    with pytest.raises(BadChoice, match="timeout"):
        make_polling_policy(minutes)


def test_what_the_command_prints(place: Workspace, server: KaggleCodeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensembler.workflows.submit.notebook.DEFAULT_POLLING", QUICK)

    def said(*options: str) -> str:
        base = ["--data", str(place.data), "--submissions", str(place.submissions), "notebook", "--stack", "a_b"]
        return CliRunner().invoke(commands, [*base, *options], catch_exceptions=False).stdout

    assert "YOUR-USERNAME" in said()
    pushed = said("--push")
    assert f"https://www.kaggle.com/code/{REFERENCE} (version 1 has run)" in pushed
    assert "--submit" in pushed
    assert "not scored yet" in said("--submit", "--no-wait")
    assert "Public score: 0.04" in said("--submit")
    printed = json.loads(said("--submit", "--json"))
    assert (printed["version"], printed["ref"], printed["status"], printed["public"]) == (1, 5001, "COMPLETE", 0.04)
