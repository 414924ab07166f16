"""Prediction in batches, on the fastest runtime that gives the same predictions as Keras."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from ..runtimes import MIN_SECONDS_TO_MEASURE, Runtime, RuntimeChoice, is_installed
from ..speeds import RuntimeSpeed, choose_fastest, locate_speed, read_speed, remember_speed
from .converted import ConvertedNetwork, GraphNetwork, convert, find_obstacle, list_versions
from .networks import pad_batch, predict_batch
from .speed import count_processors, describe_device

Pixels = NDArray[np.uint8]

# Largest difference between the outputs of two runtimes, relative to the largest output. With features that differ by
# this much, stack.keras, which runs on Keras, still reproduces stored probabilities to about 1e-5.
MAX_DIFFERENCE = 2e-5
# Photos on which outputs are compared.
_COMPARED_PHOTOS = 4
# Runtimes are not measured for fewer photos, or for smaller ones (height and width in pixels).
MIN_PHOTOS, MIN_SIZE = 500, 32


class Predictor:
    """A network on Keras, or on a faster runtime that gives the same predictions.

    Parameters
    ----------
    model
        Network from pixels of shape (batch, size, size, 3) to an array of shape (batch, width).
    batch_size
        Maximum number of photos per batch.
    name
        Name of the network in messages.
    choice
        Requested runtime. If it gives other predictions than Keras, Keras is used instead.
    progress
        Receives notes on measurements and warnings about unusable runtimes.
    """

    def __init__(self, model: Any, batch_size: int, name: str, choice: RuntimeChoice, progress: Progress) -> None:
        self._model = model
        self._batch_size = batch_size
        self._name = name
        self._choice = choice
        self._progress = progress
        self._converted: ConvertedNetwork | None = None
        # Number of photos for which the runtime was chosen.
        self._settled_photos = 0

    def predict_batch(self, batch: Pixels, photos: int) -> NDArray[np.float32]:
        """Predict one batch of at most ``batch_size`` photos, and return an array of shape (photos in batch, width).

        ``photos`` is the total number of photos, on which the choice of the runtime depends.
        """
        if photos > self._settled_photos:
            self._settled_photos = photos
            if self._converted is None:
                self._converted = self._choose_network(batch, photos)
        if self._converted is None:
            return predict_batch(self._model, batch, self._batch_size)
        return self._converted.predict(pad_batch(batch, self._batch_size))[: len(batch)]

    @property
    def runtime(self) -> Runtime:
        """Runtime of the last prediction."""
        if self._converted is None:
            return "keras"
        return "graph" if isinstance(self._converted, GraphNetwork) else "onnx"

    def _choose_network(self, batch: Pixels, photos: int) -> ConvertedNetwork | None:
        """Return the network that replaces Keras, if any."""
        if self._choice == "keras":
            return None
        if self._choice != "auto":
            converted, problem = self._convert(self._choice, batch)
            if problem:
                self._progress.warn(f"{self._name} predicts on Keras although --runtime is {self._choice}: {problem}.")
            return converted
        if photos < MIN_PHOTOS or self._model.input_shape[1] < MIN_SIZE or find_obstacle():
            return None
        return self._choose_fastest(batch, photos)

    def _choose_fastest(self, batch: Pixels, photos: int) -> ConvertedNetwork | None:
        """Choose by the measurements on this machine. Missing ones are made if they are worth the time."""
        path = self._locate_speed()
        known = read_speed(path) or describe_device(self._batch_size)
        timings = dict(known.runtimes)
        networks: dict[Runtime, ConvertedNetwork | None] = {}
        full = pad_batch(batch, self._batch_size)
        if "keras" not in timings:
            timings["keras"] = RuntimeSpeed(
                self._measure_seconds_per_photo(partial(predict_batch, self._model, full, self._batch_size))
            )
            remember_speed(path, replace(known, runtimes=timings))
        others: tuple[Runtime, ...] = ("graph", "onnx") if is_installed() else ("graph",)
        is_worth_measuring = photos * timings["keras"].seconds > MIN_SECONDS_TO_MEASURE
        new = [name for name in others if name not in timings and is_worth_measuring]
        for name in self._progress.track(new, f"{self._name}: measure runtimes", len(new)) if new else ():
            began = time.perf_counter()
            networks[name], problem = self._convert(name, batch)
            conversion, seconds = time.perf_counter() - began, 0.0
            if converted := networks[name]:
                seconds = self._measure_seconds_per_photo(partial(converted.predict, full))
            timings[name] = RuntimeSpeed(seconds, conversion, problem)
            remember_speed(path, replace(known, runtimes=timings))
        chosen = choose_fastest(timings, photos)
        if new:
            speeds = (
                f"{name} {each.trouble or f'{1 / each.seconds:.0f} photos a second'}" for name, each in timings.items()
            )
            self._progress.note(f"{self._name} predicts on {chosen} here ({', '.join(speeds)}).", detail=True)
        if chosen == "keras" or chosen in networks:
            return networks.get(chosen)
        converted, problem = self._convert(chosen, batch)
        if problem:
            # The measurements were made with other weights.
            self._progress.note(f"{self._name} predicts on Keras: {problem}.", detail=True)
        return converted

    def _convert(self, runtime: Runtime, batch: Pixels) -> tuple[ConvertedNetwork | None, str]:
        """Convert the network. Return None and the reason if it cannot replace Keras."""
        if problem := find_obstacle():
            return None, problem
        try:
            converted = convert(self._model, runtime, count_processors())
            sample = batch[:_COMPARED_PHOTOS]
            outputs = converted.predict(sample)
        except Exception as error:  # noqa: BLE001  # converters raise anything, and Keras can still predict
            first = str(error).strip().partition("\n")[0][:200]
            return None, f"{runtime} cannot run it ({type(error).__name__}: {first})"
        expected = np.asarray(self._model(sample.astype(np.float32), training=False), np.float32)
        difference = float(np.abs(outputs - expected).max() / max(float(np.abs(expected).max()), 1e-9))
        # Negated, so that NaN is refused.
        if not difference <= MAX_DIFFERENCE:
            return None, f"the outputs of {runtime} differ by {difference:.1g}"
        return converted, ""

    def _measure_seconds_per_photo(self, work: Callable[[], Any]) -> float:
        """Time a function on a whole batch: once to compile, then the faster of two calls."""
        work()
        seconds = []
        for _ in range(2):
            began = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
        return min(seconds) / self._batch_size

    def _locate_speed(self) -> Path:
        """Return the cache file for this architecture, device and these libraries, whatever the weights."""
        # Keras numbers unnamed layers within a process.
        architecture = re.sub(r"_\d+\b", "", self._model.to_json())
        device = describe_device(self._batch_size)
        size, precision = self._model.input_shape[1], self._model.dtype_policy.name
        return locate_speed(
            architecture, size, self._batch_size, precision, [device.device, device.threads, *list_versions()]
        )
