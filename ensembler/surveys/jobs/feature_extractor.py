"""Features and speeds of backbones, computed on photos that are decoded once for all of them."""

from __future__ import annotations

import contextlib
import gc
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...backbones.jobs.precision import use_precision
from ...competition.tables import Tables
from ...errors import EnsemblerError
from ...events import WorkAhead
from ...images.batches import iterate_pixel_batches
from ...images.cache_policy import select_fitting_sizes
from ...images.photo_source import FilePhotos, PhotoSource, Pixels
from ...images.photo_store import PhotoStore
from ...images.row_photos import RowPhotos
from ...inference.jobs.predictor import Predictor
from ...inference.jobs.speed import describe_device, measure_speed
from ...inference.speeds import NetworkSpeed, read_speed, remember_speed
from ...members.features.feature_locks import lock_features
from ...members.features.jobs.compute import build_member_backbone
from ...members.features.parts import FeatureParts
from ...members.features.precision import choose_runtime, read_precision
from ...paths import CompetitionFolder
from ...process_memory import read_peak_bytes, read_resident_bytes, reset_peak
from ...progress import Progress
from ...storage import remove_file, write_text
from ..candidates import Candidate
from ..rung import Rung
from ..survey_job import SurveyJob, locate_current_backbone

Rows = NDArray[np.int64]
# Share of the memory limit up to which networks are kept for the next rung.
KEPT_NETWORKS_SHARE = 0.5


class OutOfTimeError(Exception):
    """The remaining photos do not fit into the time budget."""


class MemoryFullError(Exception):
    """The process uses so much memory that a new one should continue."""


class FeatureExtractor:
    """Compute features and measure speeds, one backbone after another.

    Attributes
    ----------
    speeds
        Size and speed of each backbone by name.
    """

    def __init__(self, job: SurveyJob, folder: CompetitionFolder, tables: Tables, progress: Progress) -> None:
        self.job = job
        self.folder = folder
        self.progress = progress
        self.speeds: dict[str, NetworkSpeed] = {}
        self._photos = RowPhotos.list_rows(tables.train_paths, tables.train_turns)
        self._rule = tables.manifest.pixels
        self.total = len(tables.train_paths) + len(tables.test_paths)
        self._networks: dict[str, tuple[Any, Predictor]] = {}
        self._begun = False

    def examine(self, candidates: Sequence[Candidate], rung: Rung) -> dict[str, str]:
        """Compute missing features of the rung's photos, and measure missing speeds.

        Returns
        -------
        dict
            Problem of each backbone that failed, by name.

        Raises
        ------
        MemoryFullError
            If the process uses too much memory. Finished work is kept.
        """
        missing = {one.name: self._find_missing_rows(one, rung.rows) for one in candidates}
        wanted = np.unique(np.concatenate(list(missing.values())))
        sizes = [one.image_size for one in candidates if len(missing[one.name])]
        problems: dict[str, str] = {}
        self.folder.survey.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="pixels-", dir=self.folder.survey) as place:
            photos = self._photos.select(wanted)
            store = PhotoStore(Path(place), photos.files, self._rule)
            kept = select_fitting_sizes(sizes, len(photos.files), self.folder.survey, self.job.cache_limit)
            store.fill(kept, self.progress)
            for number, one in enumerate(candidates):
                self.progress.raise_if_stopping(f"before {one.name}")
                ahead = sum(each.work * len(missing[each.name]) for each in candidates[number:])
                self.progress.emit(WorkAhead(ahead))
                if problem := self._examine_one(one, missing[one.name], wanted, store, kept):
                    problems[one.name] = problem
        return problems

    def examine_with_others(self, one: Candidate, rows: Rows, pixels: Path, sizes: Sequence[int]) -> str:
        """Examine one backbone while other processes examine others on the same photos.

        Parameters
        ----------
        rows
            Labelled photos of the rung.
        pixels
            Folder of the decoded photos, which all these processes fill together.
        sizes
            Heights and widths of the photos in it.

        Returns
        -------
        str
            Problem of the backbone. Empty if there is none.
        """
        wanted, missing = np.sort(rows), self._find_missing_rows(one, rows)
        self.progress.emit(WorkAhead(one.work * len(missing)))
        photos = self._photos.select(wanted)
        store = PhotoStore(pixels, photos.files, self._rule, pixels / "locks")
        if one.image_size in sizes:
            store.fill(sizes, self.progress, photos.places[np.searchsorted(wanted, missing)])
        return self._examine_one(one, missing, wanted, store, sizes)

    def _examine_one(self, one: Candidate, rows: Rows, stored: Rows, store: PhotoStore, sizes: Sequence[int]) -> str:
        """Examine one backbone on photos of a store of the rows ``stored``, which has some sizes."""
        size, places = one.image_size, np.searchsorted(stored, rows)
        photos = self._photos.select(stored)
        source: PhotoSource = store.open_photos(size) if size in sizes else FilePhotos(photos.files, size, self._rule)
        batches = iterate_pixel_batches(photos.rotate(source), one.record.settings.batch_size, places)
        return self._try_extracting(one, rows, batches)

    def forget(self, name: str) -> None:
        """Release a network that is no longer needed."""
        self._networks.pop(name, None)

    def _find_missing_rows(self, one: Candidate, rows: Rows) -> Rows:
        known = one.load_features(self.folder, self.total).known
        return np.sort(rows[~known[rows]])

    def _try_extracting(self, one: Candidate, rows: Rows, batches: Iterator[Pixels]) -> str:
        """Extract the features of one backbone. Return its problem, or an empty string."""
        if one.name not in self.speeds and (known := read_speed(self._locate_speed(one))):
            self.speeds[one.name] = known
        if one.name in self.speeds and not len(rows):
            return ""
        self._make_room()
        # If the process dies, this file names the backbone that killed it.
        write_text(locate_current_backbone(self.folder), one.name)
        try:
            self._check_time()
            paths, what = [one.locate_features(self.folder)], f"{one.name}: frozen features"
            with lock_features(self.folder, paths, what, self.progress):
                self._extract_and_measure(one, rows, batches)
        except (EnsemblerError, OutOfTimeError) as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  # one network must not end the others
            # The log receives the traceback.
            traceback.print_exc()
            return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"
        finally:
            remove_file(locate_current_backbone(self.folder))
        return ""

    def _make_room(self) -> None:
        memory, resident = self.job.memory, read_resident_bytes() or 0
        if resident > KEPT_NETWORKS_SHARE * memory and self._networks:
            self._networks.clear()
            keras.backend.clear_session()
            gc.collect()
            resident = read_resident_bytes() or 0
        # Libraries do not release all memory of a network.
        if self._begun and resident > memory:
            raise MemoryFullError
        self._begun = True

    def _locate_speed(self, one: Candidate) -> Path:
        device = describe_device(one.record.settings.batch_size)
        return one.locate_speed([device.device, device.threads, self.job.runtime])

    def _extract_and_measure(self, one: Candidate, rows: Rows, batches: Iterator[Pixels]) -> None:
        reset_peak()
        before = read_resident_bytes()
        with use_precision("float32"):
            model, predictor = self._networks.get(one.name) or self._build_network(one)
            rate = self._compute_features(predictor, one, rows, batches)
        self._networks[one.name] = model, predictor
        if one.name not in self.speeds:
            peak = read_peak_bytes()
            added = None if peak is None or before is None else max(0, peak - before)
            speed = measure_speed(model, one.record.settings.batch_size, rate)
            self.speeds[one.name] = replace(speed, width=int(model.output_shape[-1]), peak_bytes=added)
            remember_speed(self._locate_speed(one), self.speeds[one.name])

    def _build_network(self, one: Candidate) -> tuple[Any, Predictor]:
        settings = one.record.settings
        model = build_member_backbone(settings, one.weights)
        # A survey computes in float32, unless training has decided otherwise.
        runtime = choose_runtime(read_precision(self.folder, one.record), self.job.runtime)
        return model, Predictor(model, settings.batch_size, one.name, runtime, self.progress)

    def _compute_features(
        self, predictor: Predictor, one: Candidate, rows: Rows, batches: Iterator[Pixels]
    ) -> float | None:
        """Compute the features of ``rows``. Return the photos per second, or None if there were too few to measure."""
        parts = FeatureParts(one.locate_features(self.folder), self.total, self.progress)
        size = one.record.settings.batch_size
        task = self.progress.start(f"{one.name}: {len(rows)} photos", len(rows), photos=1, work=one.work)
        clock = _Clock(len(rows))
        try:
            for start in range(0, len(rows), size):
                self.progress.raise_if_stopping(f"in the features of {one.name}")
                batch_rows, batch = rows[start : start + size], next(batches)
                with clock.time_batch(len(batch_rows)):
                    features = predictor.predict_batch(batch, len(rows))
                parts.add(batch_rows, features)
                task.advance(len(batch_rows))
                self._check_time(clock.left)
        finally:
            parts.finish()
            task.finish()
        return clock.rate

    def _check_time(self, seconds: float = 0.0) -> None:
        """Raise ``OutOfTimeError`` if ``seconds`` more of work exceed the time budget."""
        if self.job.until is not None and time.time() + seconds > self.job.until:
            needed = f"these photos need {seconds:.0f} s more, which exceeds the time budget"
            raise OutOfTimeError(needed if seconds else "the time budget was used up before it")


class _Clock:
    """Measure the time of batches, except the first, in which the network is compiled."""

    def __init__(self, photos: int) -> None:
        self._photos = photos
        self._done = self._timed = 0
        self._seconds = 0.0

    @contextlib.contextmanager
    def time_batch(self, photos: int) -> Iterator[None]:
        began = time.monotonic()
        yield
        if self._done:
            self._seconds += time.monotonic() - began
            self._timed += photos
        self._done += photos

    @property
    def rate(self) -> float | None:
        """Photos per second. None after one batch."""
        return self._timed / self._seconds if self._timed and self._seconds else None

    @property
    def left(self) -> float:
        """Seconds that the remaining photos will take."""
        return (self._photos - self._done) / self.rate if self.rate else 0.0
