"""Locks of jobs that write the same files, such as jobs on several GPUs or a process that outlives its run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from .. import lock_waiting
from ..paths import CompetitionFolder
from ..progress import Progress
from ..storage import remove_file, remove_unfinished
from .training_job import TrainingJob


def wait_for_lock(
    folder: CompetitionFolder, work: str, what: str, progress: Progress
) -> contextlib.AbstractContextManager[None]:
    """Wait for the lock of a competition's piece of work; see :func:`.lock_waiting.wait_for_lock`.

    Parameters
    ----------
    work
        Name of the lock.
    """
    return lock_waiting.wait_for_lock(folder.lock(work), what, progress)


@contextlib.contextmanager
def lock_fold(job: TrainingJob, fold: int, progress: Progress) -> Iterator[bool]:
    """Lock one of a member's folds. The block receives whether the fold is still to be trained.

    A job outlives a killed run until it has finished a step and saved its state.
    """
    folder, member = job.folder, job.member
    place = folder.fold(member, fold).name
    with wait_for_lock(folder, f"member-{member}-{place}", f"{member}, {job.describe_fold(fold)}", progress):
        remove_unfinished(folder.fold(member, fold), all_writers=True)
        missing = not job.record.is_finished(folder, fold)
        if not missing:
            remove_file(folder.checkpoint(member, fold))
        yield missing
