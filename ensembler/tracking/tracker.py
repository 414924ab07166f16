"""Receiver of events that tracks a call in MLflow, from a thread of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import time
from typing import Any, Self

from ..errors import BadChoice
from ..events import Event
from ..lock_waiting import wait_for_lock
from ..paths import CompetitionFolder
from ..progress import Progress, ProgressGroup
from .runs import TRACKED, Runs
from .store import Status, Store, describe_failure, open_store

# Seconds for which the end of a call waits for the store.
PATIENCE = 60.0
# A shorter wait is not shown.
_UNSEEN = 1.0


class Tracker(Progress):
    """Write events to MLflow's store. The work that emits them never waits for it.

    Parameters
    ----------
    runs
        Runs of the call.
    progress
        Receiver of a warning if the store fails, once, and of the wait at the end. The work continues untracked.
    patience
        Seconds for which the end of the block waits for the store.
    """

    def __init__(self, runs: Runs, progress: Progress, patience: float = PATIENCE) -> None:
        self._runs = runs
        self._progress = progress
        self._patience = patience
        self._waiting: SimpleQueue[tuple[Event, int] | Status] = SimpleQueue()
        self._thread = Thread(target=self._write, name="tracking", daemon=True)

    def emit(self, event: Event) -> None:
        """Let the thread store an event."""
        if isinstance(event, TRACKED):
            self._waiting.put((event, round(time() * 1000)))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        self._waiting.put(_choose_status(kind))
        self._thread.join(min(_UNSEEN, self._patience))
        if self._thread.is_alive():
            task = self._progress.start("write MLflow's runs", 1)
            self._thread.join(self._patience - _UNSEEN)
            task.finish()
        if self._thread.is_alive():
            self._progress.warn(
                f"MLflow's store did not answer for {self._patience:g} seconds: its runs are incomplete."
            )

    def _write(self) -> None:
        try:
            while isinstance(found := self._waiting.get(), tuple):
                self._runs.handle(*found)
            self._runs.finish(found)
        except Exception as error:  # noqa: BLE001 (a store that fails must not stop a training, whatever it raises)
            self._progress.warn(
                f"MLflow's store failed, so the rest of this call is not tracked: {describe_failure(error)}"
            )


def _choose_status(kind: type[BaseException] | None) -> Status:
    if kind is None:
        return "FINISHED"
    return "FAILED" if issubclass(kind, Exception) else "KILLED"


def prepare_attachment(track: str | None, folder: CompetitionFolder, progress: Progress) -> Callable[[Path], None]:
    """Open the store, and return a function that stores a file with the newest stack, or member if there is none.

    Parameters
    ----------
    track, folder
        Parameters of :func:`open_tracking`.
    progress
        Receiver of a warning if nothing is tracked yet, or the store fails.

    Raises
    ------
    BadChoice
        If the store cannot be opened.
    """
    if not track:
        return lambda _: None
    store = _open_store(folder, progress)

    def attach(path: Path) -> None:
        try:
            if runs := store.find_runs("stack") or store.find_runs("member"):
                store.log_artifact(runs[0], path)
            else:
                progress.warn(
                    f"{path} was not stored in MLflow, because no stack or member is tracked there: run `ensembler "
                    "stack --track mlflow`."
                )
        except Exception as error:  # noqa: BLE001 (the page is written, whatever the store raises)
            progress.warn(f"{path} was not stored in MLflow: {describe_failure(error)}")

    return attach


def _open_store(folder: CompetitionFolder, progress: Progress) -> Store:
    # The first call creates a database. That takes seconds, and fails if two processes do it at the same time.
    with wait_for_lock(folder.workspace.tracking_lock, "MLflow's store", progress):
        task = progress.start("open MLflow's store", 1)
        try:
            return open_store(folder.name)
        finally:
            task.finish()


def check_tracking(track: str | None, find: Callable[[str], object | None] = find_spec) -> None:
    """Check that MLflow and its database are installed if a call is to be tracked.

    Raises
    ------
    BadChoice
        If they are not.
    """
    if track and not all(find(name) for name in ("mlflow", "sqlalchemy", "alembic")):
        raise BadChoice(
            f"`--track {track}` needs packages that are not installed: install them with "
            "`pip install 'ensembler[mlflow]'`, or leave the option out."
        )


@contextlib.contextmanager
def open_tracking(track: str | None, folder: CompetitionFolder, progress: Progress) -> Iterator[Progress]:
    """Provide progress whose events are tracked too, or ``progress`` itself if ``track`` is None.

    Parameters
    ----------
    track
        ``mlflow`` or None.
    folder
        Folder of the competition, whose name is that of the experiment.
    progress
        Receiver of all events.

    Raises
    ------
    BadChoice
        If the store cannot be opened.
    """
    if not track:
        yield progress
        return
    with Tracker(Runs(_open_store(folder, progress), folder.report), progress) as tracker:
        yield ProgressGroup([progress, tracker])
