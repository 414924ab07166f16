"""Locks of jobs that write the same files, such as jobs on several GPUs or a process that outlives its run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..errors import Busy
from ..locks import hold_lock
from ..paths import CompetitionFolder
from ..progress import Progress, Task
from ..storage import remove_file, remove_unfinished
from .training_job import TrainingJob

# Seconds between two attempts to take a lock.
POLL_SECONDS = 0.2
# A shorter wait is not shown.
SECONDS_BEFORE_REPORT = 2.0


@contextlib.contextmanager
def wait_for_lock(folder: CompetitionFolder, work: str, what: str, progress: Progress) -> Iterator[None]:
    """Wait for the lock of a piece of work and hold it within the block.

    Parameters
    ----------
    work
        Name of the lock.
    what
        Description of the work, for messages.

    Raises
    ------
    Interrupted
        If the job is asked to stop while it waits.
    """
    from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_fixed

    task: Task | None = None

    def report_wait(state: RetryCallState) -> None:
        nonlocal task
        progress.raise_if_stopping(f"before {what}")
        if state.attempt_number == 1 and state.outcome:
            progress.note(str(state.outcome.exception()), detail=True)
        if task is None and (state.seconds_since_start or 0) >= SECONDS_BEFORE_REPORT:
            task = progress.start(f"{what}: waiting", 0)
        if task:
            # A log gets a line from time to time.
            task.advance(0)

    with contextlib.ExitStack() as stack:
        retrying = Retrying(
            retry=retry_if_exception_type(Busy), wait=wait_fixed(POLL_SECONDS), before_sleep=report_wait
        )
        try:
            retrying(lambda: stack.enter_context(hold_lock(folder.lock(work), what)))
        finally:
            if task:
                task.finish()
        yield


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
