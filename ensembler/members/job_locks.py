"""Jobs that would write the same files take turns: a process that outlives its run, or one on the next GPU."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from ..errors import Busy
from ..locks import held
from ..paths import CompetitionFolder
from ..progress import Progress
from ..storage import remove, sweep
from .training_job import Assignment

# Seconds between two looks at a lock that another process holds.
LOOK = 0.2


@contextlib.contextmanager
def turn(folder: CompetitionFolder, work: str, what: str, progress: Progress) -> Iterator[None]:
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
    told = False
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(held(folder.lock(work), what))
                break
            except Busy as busy:
                progress.go_on(f"before {what}")
                if not told:
                    progress.note(str(busy))
                told = True
                time.sleep(LOOK)
        yield


@contextlib.contextmanager
def fold_to_train(assignment: Assignment, fold: int, progress: Progress) -> Iterator[bool]:
    """Have one of a member's folds to oneself; whether it is still to be trained.

    A job outlives a run that was killed for as long as it takes to finish a step and save.
    """
    folder, member = assignment.folder, assignment.member
    place = folder.fold(member, fold).name
    with turn(folder, f"member-{member}-{place}", f"{member}, {assignment.words_of(fold)}", progress):
        sweep(folder.fold(member, fold), everybody=True)
        missing = not assignment.record.is_finished(folder, fold)
        if not missing:
            remove(folder.checkpoint(member, fold))
        yield missing
