"""A survey whose job dies, or leaves something to another one; no process is started here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.jobs_here import replace_local_engine
from helpers.members_made import record_of, small_competition
from helpers.photos import Heard

from ensembler.competition.tables import load_tables
from ensembler.engines.job import Job, Needs
from ensembler.engines.local import LocalEngine
from ensembler.errors import EnsemblerError, JobFailed, StorageError
from ensembler.inference.speeds import NetworkSpeed
from ensembler.paths import CompetitionFolder
from ensembler.storage import write_text
from ensembler.surveys.candidates import Candidate
from ensembler.surveys.rung import Rung
from ensembler.surveys.survey_job import EntryResult, HalvingResult, SurveyJob, locate_current_backbone
from ensembler.workflows.survey.jobs import compare

Told = dict[str, Any]


@pytest.fixture
def assigned(tmp_path: Path) -> SurveyJob:
    folder, tables = small_competition(tmp_path)
    candidates = [Candidate(record_of(folder, tables, name), "none") for name in ("a", "b", "c")]
    return SurveyJob(str(folder.root), tuple(candidates), (24,), 0, 3, None, 1e9)


def run(
    assigned: SurveyJob, work: Callable[[list[str]], HalvingResult], monkeypatch: pytest.MonkeyPatch
) -> tuple[HalvingResult, list[list[str]]]:
    """Have jobs do ``work`` on the names that are left; return what came out, and those names of each job."""
    asked: list[list[str]] = []

    def run_jobs(jobs: Sequence[Job], *_: Any) -> list[Told]:
        asked.append([one["record"]["name"] for one in jobs[0].spec["candidates"]])
        return [asdict(work(asked[-1]))]

    replace_local_engine(monkeypatch, run_jobs)
    folder = CompetitionFolder(Path(assigned.competition))
    return compare(folder, load_tables(folder), assigned, Needs(), LocalEngine(), Heard()), asked


def run_entries(
    assigned: SurveyJob, work: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> HalvingResult:
    """Have a job of each backbone do ``work``, on three slots."""

    def run_each(_: LocalEngine, jobs: Sequence[Job], *__: Any) -> list[Any]:
        assert all(Path(job.spec["pixels"]).is_dir() for job in jobs)
        return [work(job.member) for job in jobs]

    monkeypatch.setattr(LocalEngine, "count_slots", lambda *_: 3)
    monkeypatch.setattr(LocalEngine, "run_each", run_each)
    folder = CompetitionFolder(Path(assigned.competition))
    tables = load_tables(folder)
    # Heads of each rung were fitted before.
    monkeypatch.setattr(Rung, "load_or_predict", lambda rung, *_: np.full((len(rung.scored), 3), 1 / 3, np.float32))
    return compare(folder, tables, assigned, Needs(), LocalEngine(), heard)


SPEED = NetworkSpeed(batch_size=32, device="a processor", threads=1, host="there", photos_per_second=10.0)


def test_on_several_slots_each_backbone_is_a_job_and_one_that_dies_is_left_out(
    assigned: SurveyJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = {
        "a": asdict(EntryResult(SPEED)),
        "b": JobFailed("The job survey-b ended without a result."),
        "c": asdict(EntryResult(None, "does not fit")),
    }
    heard = Heard()
    climbed = run_entries(assigned, outcomes.__getitem__, monkeypatch, heard)
    assert climbed.photos == {"a": 24}
    assert climbed.failed == {"b": "The job survey-b ended without a result.", "c": "does not fit"}
    assert climbed.speeds == {"a": SPEED}
    assert heard.warnings == ["b is left out: The job survey-b ended without a result."]
    assert not list(CompetitionFolder(Path(assigned.competition)).survey.glob("pixels-*"))


@pytest.mark.parametrize("error", [JobFailed("TensorFlow cannot be loaded."), StorageError("The disk is full.")])
def test_what_is_no_fault_of_a_backbone_is_an_error_of_the_survey(
    error: EnsemblerError, assigned: SurveyJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(type(error), match=str(error)):
        run_entries(assigned, lambda _: error, monkeypatch, Heard())


def test_a_time_budget_counts_all_slots(assigned: SurveyJob, monkeypatch: pytest.MonkeyPatch) -> None:
    # The second rung has 12 photos more of each backbone, at 10 photos a second on each of three slots.
    rungs = replace(assigned, photos=(12, 24), until=time.time() + 3)
    climbed = run_entries(rungs, lambda _: asdict(EntryResult(SPEED)), monkeypatch, Heard())
    assert climbed.photos == dict.fromkeys("abc", 24)
    late = replace(assigned, photos=(12, 24), until=time.time() + 0.5)
    assert run_entries(late, lambda _: asdict(EntryResult(SPEED)), monkeypatch, Heard()).photos == dict.fromkeys(
        "abc", 12
    )


def test_one_that_kills_its_process_is_left_out_and_the_others_go_on(
    assigned: SurveyJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = CompetitionFolder(Path(assigned.competition))

    def work(names: list[str]) -> HalvingResult:
        if "b" in names:
            write_text(locate_current_backbone(folder), "b")
            raise JobFailed("The job survey ended without a result (killed).")
        return HalvingResult(photos=dict.fromkeys(names, 24))

    climbed, asked = run(assigned, work, monkeypatch)
    assert asked == [["a", "b", "c"], ["a", "c"]]
    assert climbed.photos == {"a": 24, "c": 24}
    assert climbed.failed == {"b": "The job survey ended without a result (killed)."}
    assert not locate_current_backbone(folder).exists()


def test_a_process_that_dies_over_nothing_is_an_error(assigned: SurveyJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(names: list[str]) -> HalvingResult:
        raise JobFailed("TensorFlow cannot be loaded.")

    with pytest.raises(JobFailed, match="TensorFlow"):
        run(assigned, work, monkeypatch)


def test_what_a_full_process_leaves_is_done_by_the_next(assigned: SurveyJob, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = iter([HalvingResult(failed={"a": "does not fit"}, more=True), HalvingResult(photos={"b": 24, "c": 24})])
    climbed, asked = run(assigned, lambda _: next(turns), monkeypatch)
    assert asked == [["a", "b", "c"], ["b", "c"]]
    assert climbed.failed == {"a": "does not fit"}
    assert not climbed.more


def test_all_fail(assigned: SurveyJob, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = dict.fromkeys("abc", "no")
    climbed, _ = run(assigned, lambda _: HalvingResult(failed=dict(failed), more=True), monkeypatch)
    assert climbed.failed == failed
