"""Runs a network over batches, on the fastest runtime that gives the same predictions."""

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
from .converted import ConvertedNetwork, convert, find_obstacle, list_versions
from .networks import predict_batch
from .speed import count_processors, describe_device

Pixels = NDArray[np.uint8]

# Largest difference between two runtimes' answers, as a share of the largest answer: with features that differ by it,
# stack.keras, which is Keras's, still repeats stored probabilities to some 1e-5.
MAX_DIFFERENCE = 2e-5
# Photos on which that is looked at.
_COMPARED_PHOTOS = 4
# Fewer photos, or smaller ones (height and width in pixels), are not worth a look at the clock.
MIN_PHOTOS, MIN_SIZE = 500, 32


class Predictor:
    """A network on Keras, or on another runtime that gives the same predictions in less time.

    Parameters
    ----------
    model
        Network that takes pixels of shape (batch, size, size, 3) and returns an array of shape (batch, width).
    batch_size
        Number of photos a batch, at most.
    name
        Name of the network for a person.
    choice
        Runtime: ``auto``, or a person's choice, which Keras replaces where it gives other predictions.
    progress
        Where measurements, and choices that were not possible, are reported.
    """

    def __init__(self, model: Any, batch_size: int, name: str, choice: RuntimeChoice, progress: Progress) -> None:
        self._model = model
        self._batch_size = batch_size
        self._name = name
        self._choice = choice
        self._progress = progress
        self._converted: ConvertedNetwork | None = None
        # Photos for which it was settled what runs the network.
        self._settled_photos = 0

    def predict_batch(self, batch: Pixels, photos: int) -> NDArray[np.float32]:
        """Predict one batch of at most ``batch_size`` photos; returns an array of shape (photos of the batch, width).

        The batch is filled up to one shape. ``photos`` is their number in all, which decides what pays.
        """
        if photos > self._settled_photos:
            self._settled_photos = photos
            if self._converted is None:
                self._converted = self._choose_network(batch, photos)
        if self._converted is None:
            return predict_batch(self._model, batch, self._batch_size)
        return self._converted.predict(self._pad(batch))[: len(batch)]

    def _pad(self, batch: Pixels) -> Pixels:
        return np.concatenate([batch, np.zeros((self._batch_size - len(batch), *batch.shape[1:]), batch.dtype)])

    def _choose_network(self, batch: Pixels, photos: int) -> ConvertedNetwork | None:
        """Return what is to run the network in Keras's place, if anything is."""
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
        """Measure what was not measured on this machine, if it is worth it, and go by that."""
        path = self._locate_speed()
        known = read_speed(path) or describe_device(self._batch_size)
        timings = dict(known.runtimes)
        networks: dict[Runtime, ConvertedNetwork | None] = {}
        if "keras" not in timings:
            timings["keras"] = RuntimeSpeed(
                self._measure_seconds_per_photo(partial(predict_batch, self._model, self._pad(batch), self._batch_size))
            )
            remember_speed(path, replace(known, runtimes=timings))
        others: tuple[Runtime, ...] = ("graph", "onnx") if is_installed() else ("graph",)
        new = [
            name
            for name in others
            if name not in timings and photos * timings["keras"].seconds > MIN_SECONDS_TO_MEASURE
        ]
        for name in self._progress.track(new, f"{self._name}: measure runtimes", len(new)) if new else ():
            networks[name], timings[name] = self._measure(name, batch)
            remember_speed(path, replace(known, runtimes=timings))
        chosen = choose_fastest(timings, photos)
        if new:
            self._progress.note(self._describe_choice(chosen, timings), detail=True)
        if chosen == "keras" or chosen in networks:
            return networks.get(chosen)
        converted, problem = self._convert(chosen, batch)
        if problem:
            # The weights are others than those that were measured.
            self._progress.note(f"{self._name} predicts on Keras: {problem}.", detail=True)
        return converted

    def _measure(self, runtime: Runtime, batch: Pixels) -> tuple[ConvertedNetwork | None, RuntimeSpeed]:
        began = time.perf_counter()
        converted, problem = self._convert(runtime, batch)
        conversion = time.perf_counter() - began
        seconds = self._measure_seconds_per_photo(partial(converted.predict, self._pad(batch))) if converted else 0.0
        return converted, RuntimeSpeed(seconds, conversion, problem)

    def _convert(self, runtime: Runtime, batch: Pixels) -> tuple[ConvertedNetwork | None, str]:
        """Turn the network into what a runtime takes; or tell why that cannot take Keras's place."""
        if problem := find_obstacle():
            return None, problem
        try:
            converted = convert(self._model, runtime, count_processors())
            sample = batch[:_COMPARED_PHOTOS]
            outputs = converted.predict(sample)
        except Exception as error:  # noqa: BLE001  # converters raise anything; Keras can run it all the same
            first = str(error).strip().partition("\n")[0][:200]
            return None, f"{runtime} cannot run it ({type(error).__name__}: {first})"
        expected = np.asarray(self._model(sample.astype(np.float32), training=False), np.float32)
        difference = float(np.abs(outputs - expected).max() / max(float(np.abs(expected).max()), 1e-9))
        # Written so that what is no number does not pass.
        if not difference <= MAX_DIFFERENCE:
            return None, f"the answers of {runtime} differ by {difference:.1g}"
        return converted, ""

    def _measure_seconds_per_photo(self, work: Callable[[], Any]) -> float:
        """Time work on a whole batch: the quicker of two, after one that compiles."""
        work()
        seconds = []
        for _ in range(2):
            began = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
        return min(seconds) / self._batch_size

    def _describe_choice(self, chosen: Runtime, timings: dict[Runtime, RuntimeSpeed]) -> str:
        times = ", ".join(
            f"{name} {each.trouble or f'{1 / each.seconds:.0f} photos a second'}" for name, each in timings.items()
        )
        return f"{self._name} predicts on {chosen} here ({times})."

    def _locate_speed(self) -> Path:
        """Return the file of what the speeds depend on: the network but for its weights, the device, the libraries."""
        # Layers that have no name of their own are numbered on within a process.
        architecture = re.sub(r"_\d+\b", "", self._model.to_json())
        device = describe_device(self._batch_size)
        size, precision = self._model.input_shape[1], self._model.dtype_policy.name
        return locate_speed(
            architecture, size, self._batch_size, precision, [device.device, device.threads, *list_versions()]
        )
