from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.kaggle_code_server import KaggleCodeServer
from helpers.kaggle_server import KEY, USER, Answer, refusal, said
from helpers.photos import Heard

from ensembler.errors import KaggleError
from ensembler.submission.kaggle.errors import UnconfirmedSubmission
from ensembler.submission.kaggle.polling import PollingPolicy
from ensembler.submission.kaggle.retry_policy import RetryPolicy
from ensembler.submission.kaggle.submissions import Kaggle
from ensembler.submission.notebook.code_competition import CodeCompetition
from ensembler.submission.notebook.folder import NotebookFolder

REFERENCE = f"{USER}/ensembler-pets-b0"
QUICK = PollingPolicy(timeout=2, first_pause=0.01, max_pause=0.02, settling_seconds=0.2)
METADATA = {
    "id": REFERENCE,
    "title": "ensembler pets b0",
    "code_file": "submission.ipynb",
    "language": "python",
    "kernel_type": "notebook",
    "is_private": True,
    "enable_gpu": True,
    "enable_internet": False,
    "dataset_sources": [REFERENCE],
    "competition_sources": ["pets"],
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KaggleCodeServer]:
    with KaggleCodeServer({"pets": b""}) as server, server.in_process(tmp_path / "home"):
        yield server


def write(folder: NotebookFolder, code: str) -> None:
    folder.notebook.mkdir(parents=True, exist_ok=True)
    cell = {"cell_type": "code", "source": code, "outputs": [], "metadata": {}, "id": "a"}
    folder.code.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    (folder.notebook / "kernel-metadata.json").write_text(json.dumps(METADATA))


@pytest.fixture
def way(server: KaggleCodeServer, tmp_path: Path) -> CodeCompetition:
    folder = NotebookFolder(tmp_path / "out", USER, "ensembler-pets-b0")
    write(folder, "1 + 1")
    kaggle = Kaggle.connect(
        RetryPolicy(connect_timeout=2, read_timeout=2, max_attempts=3, first_pause=0.01, max_pause=0.02)
    )
    return CodeCompetition(kaggle, folder, "pets", Heard(), QUICK)


def ran(way: CodeCompetition, tmp_path: Path) -> int:
    version = way.push()
    way.wait_for_run(version, tmp_path / "run.log")
    return version


def test_pushed_run_submitted_and_scored(server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path) -> None:
    assert ran(way, tmp_path) == 1
    pushed = server.kernels[REFERENCE].pushed[0]
    # The client leaves out what is at its default, as Kaggle's interface wants it.
    assert (pushed.get("enableInternet", False), pushed["enableGpu"], pushed["isPrivate"]) == (False, True, True)
    assert (pushed["datasetDataSources"], pushed["competitionDataSources"]) == ([REFERENCE], ["pets"])
    assert way.find_submission(1) is None
    ref = way.submit(1, way.describe_submission(1, "first try"))
    asked = server.asked("CreateCodeSubmission")[0].json
    assert (asked["kernelOwner"], asked["kernelSlug"], asked["kernelVersion"]) == (USER, "ensembler-pets-b0", 1)
    assert (asked["fileName"], asked["competitionName"]) == ("submission.csv", "pets")
    assert asked["submissionDescription"] == "first try [ensembler-pets-b0 version 1]"
    scored = way.wait_for_score(ref)
    assert (scored.ref, scored.status, scored.public) == (ref, "COMPLETE", 0.04)


def test_the_next_run_goes_on_and_sends_nothing_twice(
    server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    server.running = 5
    assert way.push() == way.push() == 1
    # Neither waits for the end.
    assert server.kernels[REFERENCE].looks > 0
    assert ran(way, tmp_path) == 1
    ref = way.submit(1, way.describe_submission(1, "first"))
    assert way.find_submission(1) == ref
    assert len(server.asked("SaveKernel")) == 1


def test_other_code_becomes_a_new_version(server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path) -> None:
    assert ran(way, tmp_path) == 1
    way.submit(1, way.describe_submission(1))
    write(way.folder, "2 + 2")
    assert ran(way, tmp_path) == 2
    assert way.find_submission(2) is None


def test_a_lost_reply_to_a_push_makes_no_second_version(
    server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    server.fail("SaveKernel", server.lose_reply, times=1)
    assert ran(way, tmp_path) == 1
    assert len(server.kernels[REFERENCE].pushed) == 1


def test_a_lost_reply_to_a_submission_is_found_by_the_next_run(
    server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    version = ran(way, tmp_path)
    server.fail("CreateCodeSubmission", server.lose_reply, times=1)
    with pytest.raises(UnconfirmedSubmission, match="may still count"):
        way.submit(version, way.describe_submission(version))
    assert way.find_submission(version) == server.submissions[0]["ref"]


def test_too_many_requests_surely_submit_nothing(
    server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    version = ran(way, tmp_path)
    server.fail("CreateCodeSubmission", Answer(429, "", {"Retry-After": "30"}), times=1)
    with pytest.raises(KaggleError, match=r"Nothing was submitted.* in 30 seconds") as caught:
        way.submit(version, way.describe_submission(version))
    assert not isinstance(caught.value, UnconfirmedSubmission)
    assert server.submissions == []


@pytest.mark.parametrize("former", ["COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED"])
@pytest.mark.parametrize("lost", [False, True])
def test_the_end_of_the_former_version_is_not_taken_for_the_new_ones(
    former: str, lost: bool, server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    assert ran(way, tmp_path) == 1
    write(way.folder, "2 + 2")
    server.running = 6
    server.fail("GetKernelSessionStatus", Answer(content={"status": former}), times=3)
    if lost:
        server.fail("SaveKernel", server.lose_reply, times=1)
    assert ran(way, tmp_path) == 2
    assert server.kernels[REFERENCE].looks == 0


@pytest.mark.parametrize("version", [1, 2])
def test_a_run_that_ends_between_two_looks_is_believed_after_a_while(
    version: int, server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    server.running = 0
    way = replace(way, polling=replace(QUICK, timeout=60))
    for number in range(version):
        write(way.folder, f"{number} + 1")
        began = time.monotonic()
        assert ran(way, tmp_path) == number + 1
    # Before the first version there was none whose end it might be.
    passed = time.monotonic() - began
    assert (passed >= QUICK.settling_seconds) == (version > 1)
    assert passed < 30


def test_a_notebook_that_kaggle_does_not_show_yet_is_waited_for(
    server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    server.fail("GetKernelSessionStatus", refusal(403, "Permission 'kernels.get' was denied"), times=2)
    assert ran(way, tmp_path) == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            {"error": "Maximum weekly GPU\nquota reached."},
            "did not accept the notebook .*: Maximum weekly GPU quota reached",
        ),
        ({"invalidDatasetSources": [REFERENCE]}, f"cannot use the dataset {REFERENCE}"),
        ({"invalidCompetitionSources": ["pets"]}, "cannot use the competition pets: join it"),
        ({"versionNumber": 0}, "returned no version of the notebook"),
    ],
)
def test_a_push_that_failed_without_an_exception_is_told(
    reply: dict[str, object], words: str, server: KaggleCodeServer, way: CodeCompetition
) -> None:
    server.save_reply = reply
    with pytest.raises(KaggleError, match=words):
        way.push()


def test_a_failed_run_is_told_with_its_log_and_pushed_anew(
    server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    server.ending = {"status": "ERROR", "failureMessage": "Notebook threw an exception"}
    server.log = json.dumps([{"stream_name": "stderr", "time": 1.0, "data": "BadData: no photos\n"}])
    with pytest.raises(KaggleError, match=r"version 1 .* failed: Notebook threw an exception; see .*run\.log"):
        ran(way, tmp_path)
    assert (tmp_path / "run.log").read_text() == "BadData: no photos\n"
    server.ending = {"status": "COMPLETE"}
    server.kernels[REFERENCE].looks = 0
    server.fail("GetKernelSessionStatus", Answer(content={"status": "ERROR"}), times=1)
    assert ran(way, tmp_path) == 2


@pytest.mark.parametrize(
    ("log", "words"),
    [("plain words\nthe last\n", "failed: the last; see"), ("", "failed: it gives no reason; see https")],
)
def test_a_failure_without_a_message_shows_the_end_of_the_log(
    log: str, words: str, server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    server.ending, server.log = {"status": "ERROR"}, log
    with pytest.raises(KaggleError, match=words):
        ran(way, tmp_path)


def test_a_cancelled_run_is_told(server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path) -> None:
    server.ending = {"status": "CANCEL_ACKNOWLEDGED"}
    with pytest.raises(KaggleError, match="was cancelled"):
        ran(way, tmp_path)


def test_a_run_that_takes_too_long_is_told_and_can_be_waited_for_again(
    server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    server.running = 10_000
    with pytest.raises(KaggleError, match=r"has not finished version 1 .* \(running\): .* run the same command again"):
        ran(way, tmp_path)
    server.kernels[REFERENCE].looks = 3
    assert ran(way, tmp_path) == 1


def test_trouble_that_passes_does_not_end_the_wait(
    server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    version = way.push()
    server.fail("GetKernelSessionStatus", Answer(503, ""), times=2)
    way.wait_for_run(version, tmp_path / "run.log")
    assert sum("Still waiting" in note for note in way.progress.notes) == 1


def test_kaggles_reason_against_a_submission_is_told(server: KaggleCodeServer, way: CodeCompetition) -> None:
    way.push()
    with pytest.raises(KaggleError, match="Cannot submit that notebook version"):
        way.submit(1, way.describe_submission(1))


def test_a_submission_that_failed_is_not_taken_for_one(
    server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path
) -> None:
    version = ran(way, tmp_path)
    ref = way.submit(version, way.describe_submission(version))
    server.pending_polls, server.outcome = 0, {"status": "ERROR", "errorDescription": "Notebook Timeout"}
    assert way.wait_for_score(ref).reason == "Notebook Timeout"
    assert way.find_submission(version) is None


def test_our_key_in_kaggles_words_is_not_shown(server: KaggleCodeServer, way: CodeCompetition, tmp_path: Path) -> None:
    server.save_reply = {"error": f"Who is {KEY}?"}
    with said("Who is ***?"):
        way.push()
    server.save_reply, server.ending = {}, {"status": "ERROR", "failureMessage": f"Who is {KEY}?"}
    with said("Who is ***?"):
        ran(way, tmp_path)
    server.fail("CreateCodeSubmission", Answer(content={"message": f"Who is {KEY}?", "ref": 0}))
    with said("Who is ***?"):
        way.submit(1, way.describe_submission(1))
