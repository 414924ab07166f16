"""Locks of frozen features: of whole files, or of some of their rows, which several jobs compute side by side."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...paths import CompetitionFolder
from ...progress import Progress
from ..job_locks import wait_for_lock

_ROWS = re.compile(r".*\.rows-(\d+)-(\d+)")


@contextlib.contextmanager
def lock_features(
    folder: CompetitionFolder, paths: Sequence[Path], what: str, progress: Progress, rows: range | None = None
) -> Iterator[None]:
    """Wait until no other process computes the same rows of the files, and lock these rows within the block.

    Each file has a lock. Who locks all rows holds it for the whole block, and waits for those who hold rows. Who locks
    some rows holds it only until no other holder of the same rows is left.

    Parameters
    ----------
    paths
        Complete files of features, which need not exist.
    what
        Description of the work, for messages.
    rows
        Rows to lock. None locks all.

    Raises
    ------
    Interrupted
        If the job is asked to stop while it waits.
    """
    with contextlib.ExitStack() as held:
        # In one order everywhere, so that no two processes wait for each other.
        for path in sorted(paths):
            work = f"features-{path.stem}"
            with contextlib.ExitStack() as gate:
                gate.enter_context(wait_for_lock(folder, work, what, progress))
                _wait_for_holders(folder, work, what, progress, rows)
                if rows is None:
                    held.enter_context(gate.pop_all())
                else:
                    place = f"{work}.rows-{rows.start}-{rows.stop}"
                    held.enter_context(wait_for_lock(folder, place, what, progress))
        yield


def _wait_for_holders(folder: CompetitionFolder, work: str, what: str, progress: Progress, rows: range | None) -> None:
    """Wait for the holders of rows, while the lock of the file lets no other holder begin."""
    for path in folder.lock(work).parent.glob(f"{folder.lock(work).name}.rows-*"):
        match = _ROWS.fullmatch(path.name)
        if match and (rows is None or (int(match[1]) < rows.stop and rows.start < int(match[2]))):
            with wait_for_lock(folder, path.name.removeprefix(f"{folder.name}."), what, progress):
                pass
            # No process can take this lock before that of the file is free.
            path.unlink(missing_ok=True)
