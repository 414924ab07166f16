"""Runs the job that compares backbones, and leaves out a backbone that kills its process."""

from __future__ import annotations

from dataclasses import replace

from ...engines.engine import Engine
from ...engines.job import Job, Needs
from ...errors import JobFailed
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import convert_to_plain, make_record
from ...storage import remove_file
from ...surveys.survey_job import HalvingResult, SurveyJob, locate_current_backbone


def compare(
    folder: CompetitionFolder, survey_job: SurveyJob, needs: Needs, engine: Engine, progress: Progress
) -> HalvingResult:
    """Run the job, and again while it leaves work to a new process.

    Parameters
    ----------
    needs
        Requirements on the machine of the job.

    Raises
    ------
    JobFailed
        If a process died while it examined no backbone, or twice in the same one.
    """
    crashed: dict[str, str] = {}
    failed: dict[str, str] = {}
    while True:
        excluded = {*crashed, *failed}
        remaining = tuple(candidate for candidate in survey_job.candidates if candidate.name not in excluded)
        if not remaining:
            return HalvingResult(failed={**crashed, **failed})
        work = sum(candidate.work for candidate in remaining) * survey_job.photos[0]
        spec = convert_to_plain(replace(survey_job, candidates=remaining))
        job = Job("survey", "ensembler.surveys.jobs.compare:compare_backbones", spec, work=work, needs=needs)
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
