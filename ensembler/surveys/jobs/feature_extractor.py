"""Looks at backbones on photos that are decoded once for all of them: features and speeds."""

from __future__ import annotations

import contextlib
import gc
import socket
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...backbones.jobs.build import build_backbone
from ...backbones.jobs.precision import built_in
from ...backbones.weights import weights_source
from ...competition.tables import Tables
from ...errors import EnsemblerError
from ...events import WorkAhead
from ...images.batches import pixel_batches
from ...images.cache_policy import fitting
from ...images.photo_source import PhotoFiles, Pixels
from ...images.photo_store import PhotoStore
from ...inference.jobs.device import device_name
from ...inference.jobs.predictor import Predictor
from ...inference.runtimes import RuntimeChoice
from ...inference.timing import FEWEST, SINGLE, noise, processors, seconds_each
from ...members.features.parts import FeatureParts
from ...members.job_locks import turn
from ...paths import CompetitionFolder
from ...process_memory import forget_peak, peak_bytes, resident_bytes
from ...progress import Progress
from ...storage import remove, write_text
from ..candidates import Candidate
from ..measures import Measures, load_measures, save_measures
from ..survey_job import at_work

Rows = NDArray[np.int64]
# Of the memory that the process may hold, what networks may take that are kept for more photos.
KEPT_SHARE = 0.5


class OutOfTimeError(Exception):
    """The photos that are left would take longer than there is time."""


class FullError(Exception):
    """The process holds so much memory that a fresh one should go on."""


class Look:
    """Looks at backbones, one after the other.

    Parameters
    ----------
    folder, tables
        Of the competition.
    until
        Seconds since 1970 after which nothing is begun; None for no such time.
    memory
        Bytes that the process may hold.
    progress
        Hears of it.
    runtime
        What computes features.
    cache_limit
        Bytes that decoded photos may take on the disk; None is half of what is free.
    """

    def __init__(
        self,
        folder: CompetitionFolder,
        tables: Tables,
        until: float | None,
        memory: float,
        progress: Progress,
        runtime: RuntimeChoice = "auto",
        cache_limit: int | None = None,
    ) -> None:
        self.cache_limit = cache_limit
        self.folder = folder
        self.until = until
        self.memory = memory
        self.progress = progress
        self.runtime = runtime
        self.paths = tables.train_paths
        self.total = len(tables.train_paths) + len(tables.test_paths)
        self._networks: dict[str, tuple[Any, Predictor]] = {}
        self._begun = False

    def at(self, candidates: Sequence[Candidate], rows: Rows) -> dict[str, str]:
        """Compute the features of some photos that are missing, and measure what was not measured.

        Parameters
        ----------
        rows
            Numbers of labelled photos.

        Returns
        -------
        dict
            What is wrong with some of the backbones, by their names.

        Raises
        ------
        FullError
            If the process has become too large; what was done is kept.
        """
        lacking = {one.name: self._lacking(one, rows) for one in candidates}
        wanted = np.unique(np.concatenate(list(lacking.values())))
        sizes = [one.image_size for one in candidates if len(lacking[one.name])]
        troubles: dict[str, str] = {}
        self.folder.survey.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="pixels-", dir=self.folder.survey) as place:
            paths = [self.paths[row] for row in wanted]
            store = PhotoStore(Path(place), paths)
            kept = fitting(sizes, len(paths), self.folder.survey, self.cache_limit)
            store.fill(kept, self.progress)
            for number, one in enumerate(candidates):
                self.progress.go_on(f"before {one.name}")
                ahead = sum(each.work * len(lacking[each.name]) for each in candidates[number:])
                self.progress.tell(WorkAhead(ahead))
                mine = lacking[one.name]
                size, places = one.image_size, np.searchsorted(wanted, mine)
                photos = store.photos(size) if size in kept else PhotoFiles(paths, size)
                batches = pixel_batches(photos, one.record.settings.batch_size, places)
                if trouble := self._trouble(one, mine, batches):
                    troubles[one.name] = trouble
        return troubles

    def forget(self, name: str) -> None:
        """Let go of a network that is not looked at any more."""
        self._networks.pop(name, None)

    def _lacking(self, one: Candidate, rows: Rows) -> Rows:
        known = one.features(self.folder, self.total).known
        return np.sort(rows[~known[rows]])

    def _trouble(self, one: Candidate, rows: Rows, batches: Iterator[Pixels]) -> str:
        """Look at one backbone; return what is wrong with it, or nothing."""
        measured = load_measures(self.folder, one)
        if measured is not None and not len(rows):
            return ""
        self._make_room()
        # Should the process die, this tells of what.
        write_text(at_work(self.folder), one.name)
        try:
            self._check_time()
            with turn(self.folder, f"features-{one.name}", f"{one.name}: frozen features", self.progress):
                self._look_at(one, rows, batches, measured)
        except (EnsemblerError, OutOfTimeError) as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  # one network's trouble must not end the others
            # The whole of it goes to the log.
            traceback.print_exc()
            return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"
        finally:
            remove(at_work(self.folder))
        return ""

    def _make_room(self) -> None:
        held = resident_bytes() or 0
        if held > KEPT_SHARE * self.memory and self._networks:
            self._networks.clear()
            keras.backend.clear_session()
            gc.collect()
            held = resident_bytes() or 0
        # Libraries keep some of what a network took.
        if self._begun and held > self.memory:
            raise FullError
        self._begun = True

    def _look_at(self, one: Candidate, rows: Rows, batches: Iterator[Pixels], measured: Measures | None) -> None:
        forget_peak()
        before = resident_bytes()
        with built_in("float32"):
            model, predictor = self._networks.get(one.name) or self._build(one)
            rate = self._compute(predictor, one, rows, batches)
        self._networks[one.name] = model, predictor
        if measured is None:
            peak = peak_bytes()
            added = None if peak is None or before is None else max(0, peak - before)
            save_measures(self.folder, one, _measure(model, one, rate, added))

    def _build(self, one: Candidate) -> tuple[Any, Predictor]:
        settings = one.record.settings
        model = build_backbone(
            one.backbone, one.image_size, weights_source(one.weights), settings.seed, settings.pooling
        )
        return model, Predictor(model, settings.batch_size, one.name, self.runtime, self.progress)

    def _compute(self, predictor: Predictor, one: Candidate, rows: Rows, batches: Iterator[Pixels]) -> float | None:
        """Compute what is missing; return the photos a second, or None if there were too few to tell."""
        parts = FeatureParts(one.features_file(self.folder), self.total, self.progress)
        size = one.record.settings.batch_size
        task = self.progress.start_photos(f"{one.name}: {len(rows)} photos", len(rows), work=one.work)
        clock = _Clock(len(rows))
        try:
            for start in range(0, len(rows), size):
                self.progress.go_on(f"in the features of {one.name}")
                here, batch = rows[start : start + size], next(batches)
                with clock.timing(len(here)):
                    features = predictor.answer(batch, len(rows))
                parts.add(here, features)
                task.advance(len(here))
                self._check_time(clock.left)
        finally:
            parts.finish()
            task.finish()
        return clock.rate

    def _check_time(self, ahead: float = 0.0) -> None:
        """Do nothing, unless so many seconds of work are more than there is time for."""
        if self.until is None or time.time() + ahead <= self.until:
            return
        if ahead:
            raise OutOfTimeError(f"these photos need {ahead:.0f} s more, for which the time budget has no room")
        raise OutOfTimeError("the time budget was spent before it")


class _Clock:
    """Times batches, but for the first, in which the network is compiled."""

    def __init__(self, photos: int) -> None:
        self._photos = photos
        self._done = self._timed = 0
        self._seconds = 0.0

    @contextlib.contextmanager
    def timing(self, photos: int) -> Iterator[None]:
        began = time.monotonic()
        yield
        if self._done:
            self._seconds += time.monotonic() - began
            self._timed += photos
        self._done += photos

    @property
    def rate(self) -> float | None:
        """Photos a second; None if only one batch was done."""
        return self._timed / self._seconds if self._timed and self._seconds else None

    @property
    def left(self) -> float:
        """Seconds that the photos which are left will take."""
        return (self._photos - self._done) / self.rate if self.rate else 0.0


def _measure(model: Any, one: Candidate, rate: float | None, peak: int | None) -> Measures:
    batch_size = one.record.settings.batch_size
    if not model.compiled:
        model.compile(jit_compile=False)
    alone = seconds_each(model, noise(1, one.image_size), SINGLE)
    if rate is None:
        rate = batch_size / float(np.mean(seconds_each(model, noise(batch_size, one.image_size), FEWEST)))
    return Measures(
        parameters=int(model.count_params()),
        width=int(model.output_shape[-1]),
        milliseconds=round(1e3 * float(np.mean(alone)), 3),
        photos_per_second=round(rate, 3),
        peak_bytes=peak,
        single=len(alone),
        batch_size=batch_size,
        device=device_name(),
        threads=processors(),
        host=socket.gethostname(),
    )
