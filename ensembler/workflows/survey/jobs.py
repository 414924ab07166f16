"""Runs the jobs that compare backbones, and leaves out a backbone that kills its process."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ...competition.tables import Tables
from ...engines.engine import Engine
from ...engines.job import Job, Needs
from ...errors import EnsemblerError, JobFailed
from ...images.cache_policy import select_fitting_sizes
from ...inference.speeds import NetworkSpeed
from ...members.memory import estimate_memory
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import convert_to_plain, make_record
from ...storage import remove_file
from ...surveys.candidates import Candidate
from ...surveys.job_files import list_survey_files
from ...surveys.rung import Rung
from ...surveys.successive_halving import SuccessiveHalving
from ...surveys.survey_job import EntryResult, HalvingResult, SurveyEntry, SurveyJob, locate_current_backbone

# Functions of jobs.
COMPARE = "ensembler.surveys.jobs.compare:compare_backbones"
EXAMINE = "ensembler.surveys.jobs.compare:examine_backbone"


def compare(
    folder: CompetitionFolder,
    tables: Tables,
    survey_job: SurveyJob,
    needs: Needs,
    engine: Engine,
    progress: Progress,
) -> HalvingResult:
    """Compare backbones in one process, or on an engine with several slots each in a job of its own.

    Parameters
    ----------
    needs
        Requirements on the machine of a job.

    Raises
    ------
    JobFailed
        If a process of all backbones died while it examined none, or twice in the same one.
    """
    slots = engine.count_slots(needs)
    if slots > 1:
        examiner = _EntryJobs(folder, survey_job, needs, engine, progress)
        return SuccessiveHalving(survey_job, folder, tables, examiner, progress, slots).run()
    return _compare_in_one_process(folder, survey_job, needs, engine, progress)


def _compare_in_one_process(
    folder: CompetitionFolder, survey_job: SurveyJob, needs: Needs, engine: Engine, progress: Progress
) -> HalvingResult:
    """Run the job of all backbones, and again while it leaves work to a new process."""
    crashed: dict[str, str] = {}
    failed: dict[str, str] = {}
    while True:
        excluded = {*crashed, *failed}
        remaining = tuple(candidate for candidate in survey_job.candidates if candidate.name not in excluded)
        if not remaining:
            return HalvingResult(failed={**crashed, **failed})
        work = sum(candidate.work for candidate in remaining) * survey_job.photos[0]
        spec = convert_to_plain(replace(survey_job, candidates=remaining))
        files = partial(list_survey_files, folder, remaining, survey_job.photos[-1], survey_job.seed)
        job = Job("survey", COMPARE, spec, work=work, needs=needs, files=files)
        remove_file(locate_current_backbone(folder))
        try:
            [reply] = engine.run_jobs([job], folder.logs, progress)
        except JobFailed as death:
            if not locate_current_backbone(folder).is_file():
                raise
            name = locate_current_backbone(folder).read_text("utf-8")
            if name in crashed:
                raise
            crashed[name] = str(death)
            progress.warn(f"{name} is left out: {death}")
            continue
        result = make_record(reply, HalvingResult, "the reply of the survey's job")
        failed |= result.failed
        if not result.more:
            result.failed = {**crashed, **failed}
            return result


class _EntryJobs:
    """An :class:`.Examiner` that runs a job for each backbone of a rung."""

    def __init__(
        self, folder: CompetitionFolder, survey_job: SurveyJob, needs: Needs, engine: Engine, progress: Progress
    ) -> None:
        self.speeds: dict[str, NetworkSpeed] = {}
        self._folder = folder
        self._survey_job = survey_job
        self._needs = needs
        self._engine = engine
        self._progress = progress

    def examine(self, candidates: Sequence[Candidate], rung: Rung) -> dict[str, str]:
        """Run the jobs. One that dies leaves out its backbone, unless all die. Other errors of jobs are raised."""
        place = self._folder.survey
        place.mkdir(parents=True, exist_ok=True)
        limit = self._survey_job.cache_limit
        sizes = tuple(select_fitting_sizes([one.image_size for one in candidates], len(rung.rows), place, limit))
        with tempfile.TemporaryDirectory(prefix="pixels-", dir=place) as pixels:
            jobs = [self._build_job(one, len(rung.rows), pixels, sizes) for one in candidates]
            outcomes = self._engine.run_each(jobs, self._folder.logs, self._progress)
        if len(outcomes) > 1 and all(isinstance(outcome, JobFailed) for outcome in outcomes):
            # The backbones are hardly the reason.
            raise outcomes[0]
        problems = {}
        for one, outcome in zip(candidates, outcomes, strict=True):
            if problem := self._take_outcome(one, outcome):
                problems[one.name] = problem
        return problems

    def forget(self, name: str) -> None:
        """Release nothing, because processes end with their jobs."""

    def _build_job(self, one: Candidate, photos: int, pixels: str, sizes: tuple[int, ...]) -> Job:
        entry = SurveyEntry(replace(self._survey_job, candidates=(one,)), photos, pixels, sizes)
        # Within a time budget the cheapest come first, as planned, so that it leaves out few. Jobs of unknown work keep
        # their order.
        work = one.work * photos if self._survey_job.until is None else 0.0
        files = partial(list_survey_files, self._folder, [one], photos, self._survey_job.seed, pixels)
        spec = convert_to_plain(entry)
        memory = estimate_memory(one.record.settings, one.backbone, 0, on_gpu=bool(self._needs.gpus))
        needs = replace(self._needs, memory_bytes=memory)
        return Job(f"survey-{one.name}", EXAMINE, spec, one.name, work=work, needs=needs, files=files)

    def _take_outcome(self, one: Candidate, outcome: Any) -> str:
        """Remember the speed of a backbone, and return its problem."""
        if isinstance(outcome, JobFailed):
            self._progress.warn(f"{one.name} is left out: {outcome}")
            return str(outcome)
        if isinstance(outcome, EnsemblerError):
            raise outcome
        result = make_record(outcome, EntryResult, "the reply of a survey's job")
        if result.speed:
            self.speeds[one.name] = result.speed
        return result.problem
