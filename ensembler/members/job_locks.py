"""Jobs that would write the same files take turns: a process that outlives its run, or one on the next GPU."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..errors import Busy
from ..locks import hold_lock
from ..paths import CompetitionFolder
from ..progress import Progress
from ..storage import remove_file, remove_unfinished
from .training_job import TrainingJob

# Seconds between two looks at a lock that another process holds.
POLL_SECONDS = 0.2


@contextlib.contextmanager
def wait_for_lock(folder: CompetitionFolder, work: str, what: str, progress: Progress) -> Iterator[None]:
    """Wait until nobody else does this work, then do it alone for the length of the block.

    Parameters
    ----------
    work
        Names the lock.
    what
        The work as a person reads it.

    Raises
    ------
    Interrupted
        If the work should end before it was its turn.
    """
    from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_fixed

    def tell_wait(state: RetryCallState) -> None:
        progress.raise_if_stopping(f"before {what}")
        if state.attempt_number == 1 and state.outcome:
            progress.note(str(state.outcome.exception()))

    with contextlib.ExitStack() as stack:
        retrying = Retrying(retry=retry_if_exception_type(Busy), wait=wait_fixed(POLL_SECONDS), before_sleep=tell_wait)
        retrying(lambda: stack.enter_context(hold_lock(folder.lock(work), what)))
        yield


@contextlib.contextmanager
def lock_fold(job: TrainingJob, fold: int, progress: Progress) -> Iterator[bool]:
    """Have one of a member's folds to oneself; whether it is still to be trained.

    A job outlives a run that was killed for as long as it takes to finish a step and save.
    """
    folder, member = job.folder, job.member
    place = folder.fold(member, fold).name
    with wait_for_lock(folder, f"member-{member}-{place}", f"{member}, {job.describe_fold(fold)}", progress):
        remove_unfinished(folder.fold(member, fold), all_writers=True)
        missing = not job.record.is_finished(folder, fold)
        if not missing:
            remove_file(folder.checkpoint(member, fold))
        yield missing
