"""Have backbones compared by a job; a backbone over which its process dies is told, and the others go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from ...engines.job import Job
from ...engines.local import run_jobs
from ...errors import JobFailed
from ...paths import CompetitionFolder
from ...progress import Progress
from ...storage import remove
from ...surveys.candidates import Candidate
from ...surveys.survey_job import Assigned, Climbed, at_work


def compare(folder: CompetitionFolder, assigned: Assigned, gpus: Sequence[str], progress: Progress) -> Climbed:
    """Run the job, and further ones while there is something left to do.

    Parameters
    ----------
    assigned
        What to do; see there.
    gpus
        What ``CUDA_VISIBLE_DEVICES`` calls them; one is used.

    Raises
    ------
    JobFailed
        If a process died and no backbone is to blame.
    """
    died: dict[str, str] = {}
    failed: dict[str, str] = {}
    while True:
        dead = {*died, *failed}
        left = tuple(told for told in assigned.candidates if Candidate.from_json(told).name not in dead)
        if not left:
            return Climbed(failed={**died, **failed})
        remove(at_work(folder))
        try:
            [told] = run_jobs([_job(replace(assigned, candidates=left))], folder.logs, progress, gpus=gpus[:1])
        except JobFailed as death:
            if not at_work(folder).is_file():
                raise
            name = at_work(folder).read_text("utf-8")
            if name in died:
                raise
            died[name] = str(death)
            progress.warn(f"{name} is left out: {death}")
            continue
        climbed = Climbed(**told)
        failed |= climbed.failed
        if not climbed.more:
            climbed.failed = {**died, **failed}
            return climbed


def _job(assigned: Assigned) -> Job:
    work = sum(Candidate.from_json(told).work for told in assigned.candidates) * assigned.photos[0]
    return Job("survey", "ensembler.surveys.jobs.compare:compare_backbones", asdict(assigned), work=work)
