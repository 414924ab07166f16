"""The time in which members predict single photos, measured where it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ...engines.job import Job
from ...members.job_files import list_measured_files
from ...members.records import MemberRecord
from ...paths import CompetitionFolder
from ...progress import Progress
from ..engine import open_engine


def measure_single_photos(folder: CompetitionFolder, records: Sequence[MemberRecord], progress: Progress) -> None:
    """Time the predictions of single photos by members that have a finished fold.

    Raises
    ------
    JobFailed
        If a measurement fails.
    """
    jobs = [
        Job(
            f"{record.name}-speed",
            "ensembler.members.jobs.speed:measure_member",
            {"competition": str(folder.root), "member": record.name},
            shares_process=True,
            files=partial(list_measured_files, folder, record),
        )
        for record in records
        if len(record.list_unfinished_folds(folder)) < record.folds_count
    ]
    # Jobs run one at a time, because parallel jobs would distort the measurement.
    if jobs:
        open_engine({}, progress).run_jobs(jobs, folder.logs, progress)


def find_photo_seconds(
    folder: CompetitionFolder, records: Sequence[MemberRecord], progress: Progress
) -> tuple[float, ...]:
    """Return the seconds in which each member predicts a photo. Those that are not known are measured first."""
    missing = [record for record in records if not ((speed := record.load_speed(folder)) and speed.single)]
    measure_single_photos(folder, missing, progress)
    speeds = [record.load_speed(folder) for record in records]
    return tuple(speed.milliseconds_per_photo / 1000 for speed in speeds if speed)
