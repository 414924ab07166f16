"""A survey whose job dies, or leaves something to another one; no process is started here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from helpers.jobs_here import replace_local_engine
from helpers.members_made import record_of, small_competition
from helpers.photos import Heard

from ensembler.engines.job import Job, Needs
from ensembler.engines.local import LocalEngine
from ensembler.errors import JobFailed
from ensembler.paths import CompetitionFolder
from ensembler.storage import write_text
from ensembler.surveys.candidates import Candidate
from ensembler.surveys.survey_job import HalvingResult, SurveyJob, locate_current_backbone
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
    return compare(folder, assigned, Needs(), LocalEngine(), Heard()), asked


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
