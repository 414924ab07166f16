"""Prediction in batches, on the fastest runtime that gives the same predictions as Keras."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadChoice, StorageError
from ...lock_waiting import wait_for_lock
from ...machine_limits import count_processors
from ...process_memory import release_memory
from ...progress import Progress
from ..runtimes import MIN_SECONDS_TO_MEASURE, SIXTEEN_BIT, Runtime, RuntimeChoice, is_installed
from ..speeds import (
    NetworkSpeed,
    RuntimeSpeed,
    choose_fastest,
    locate_speed,
    locate_speed_lock,
    read_speed,
    remember_speed,
)
from .converted import ConvertedNetwork, convert, find_obstacle, list_versions
from .networks import pad_batch, predict_batch
from .rounds import time_in_rounds
from .speed import describe_device

Pixels = NDArray[np.uint8]

# Largest difference between the outputs of two runtimes, relative to the largest output. With features that differ by
# this much, stack.keras, which runs on Keras, still reproduces stored probabilities to about 1e-5.
MAX_DIFFERENCE = 2e-5
# The same for a runtime in 16 bits, which keeps 8 bits of each number. Only a network that fails exceeds it. Whether
# the differences matter is decided by the losses of heads.
MAX_DIFFERENCE_OF_16_BITS = 0.1
# Photos on which outputs are compared.
_COMPARED_PHOTOS = 4
# Runtimes are not measured for fewer photos, or for smaller ones (height and width in pixels).
MIN_PHOTOS, MIN_SIZE = 500, 32
# Fewest rounds of a converted network and Keras in turn. Keras was measured before, so these compare only.
PAIRED_ROUNDS = 2
# Runtimes in float32 that are measured beside Keras.
_OTHERS: tuple[Runtime, ...] = ("graph", "onnx", "openvino")


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
        Requested runtime. If it gives other predictions than Keras, Keras is used instead, but not instead of 16 bits.
    progress
        Receives notes on measurements and warnings about unusable runtimes.
    speed_of
        Network whose speed stands for that of ``model``, such as the backbone of its views. None measures ``model``.
    """

    def __init__(
        self,
        model: Any,
        batch_size: int,
        name: str,
        choice: RuntimeChoice,
        progress: Progress,
        speed_of: Any | None = None,
    ) -> None:
        self._model = model
        self._batch_size = batch_size
        self._name = name
        self._choice = choice
        self._progress = progress
        self._speed_of = model if speed_of is None else speed_of
        self._converted: ConvertedNetwork | None = None
        # Number of photos for which the runtime was chosen.
        self._settled_photos = 0
        # Runtime of the last prediction.
        self.runtime: Runtime = "keras"

    def predict_batch(self, batch: Pixels, photos: int) -> NDArray[np.float32]:
        """Predict one batch of at most ``batch_size`` photos, and return an array of shape (photos in batch, width).

        ``photos`` is the total number of photos, on which the choice of the runtime depends.

        Raises
        ------
        BadChoice
            If the requested runtime computes in 16 bits and this machine cannot run it.
        """
        if photos > self._settled_photos:
            self._settled_photos = photos
            if self._converted is None:
                self.runtime, self._converted = self._choose_network(batch, photos)
        if self._converted is None:
            return predict_batch(self._model, batch, self._batch_size)
        return self._converted.predict(pad_batch(batch, self._batch_size))[: len(batch)]

    def measure(self, batch: Pixels, photos: int, *, sixteen_bit: bool = False) -> Mapping[Runtime, RuntimeSpeed]:
        """Return the speed of each runtime on this machine, from memory if it was measured before.

        Runtimes that have not been measured yet are, if ``photos`` are worth it: all in the same rounds.

        Parameters
        ----------
        batch
            Photos to measure with.
        sixteen_bit
            Whether to measure the runtime in 16 bits too.
        """
        return self._measure(batch, photos, sixteen_bit=sixteen_bit)[0]

    def _choose_network(self, batch: Pixels, photos: int) -> tuple[Runtime, ConvertedNetwork | None]:
        """Return the runtime, and the network that replaces Keras, if any."""
        if self._choice == "keras":
            return "keras", None
        if self._choice != "auto":
            converted, problem = self._convert(self._choice, batch)
            if converted:
                return self._choice, converted
            if self._choice == SIXTEEN_BIT:
                raise BadChoice(
                    f"{self._name} cannot be computed in bfloat16 here ({problem}): choose `--runtime-precision "
                    "float32`."
                )
            self._progress.warn(f"{self._name} predicts on Keras although --runtime is {self._choice}: {problem}.")
            return "keras", None
        if photos < MIN_PHOTOS or self._model.input_shape[1] < MIN_SIZE or find_obstacle():
            return "keras", None
        timings, networks = self._measure(batch, photos, sixteen_bit=False)
        chosen = choose_fastest(timings, photos)
        if chosen == "keras":
            return chosen, None
        if converted := networks.get(chosen):
            return chosen, converted
        converted, problem = self._convert(chosen, batch)
        if problem:
            # The measurements were made with other weights.
            self._progress.note(f"{self._name} predicts on Keras: {problem}.", detail=True)
            return "keras", None
        return chosen, converted

    def _measure(
        self, batch: Pixels, photos: int, *, sixteen_bit: bool
    ) -> tuple[dict[Runtime, RuntimeSpeed], dict[Runtime, ConvertedNetwork | None]]:
        """Return speeds, and the networks that were converted to measure them."""
        path = self._locate_speed()
        known = read_speed(path) or describe_device(self._batch_size)
        others = [name for name in (*_OTHERS, *([SIXTEEN_BIT] if sixteen_bit else [])) if is_installed(name)]
        if all(name in known.runtimes for name in ("keras", *others)):
            return known.runtimes, {}
        run_keras = partial(predict_batch, self._model, pad_batch(batch, self._batch_size), self._batch_size)
        if "keras" not in known.runtimes:
            [seconds] = time_in_rounds({"keras": run_keras}).values()
            known = replace(known, runtimes={"keras": RuntimeSpeed(seconds / self._batch_size)})
            remember_speed(path, known)
        if photos * known.runtimes["keras"].seconds <= MIN_SECONDS_TO_MEASURE:
            return known.runtimes, {}
        with self._lock_measurement(path):
            # Another job may have measured them while this one waited.
            remembered = read_speed(path)
            if remembered and all(name in remembered.runtimes for name in ("keras", *others)):
                return remembered.runtimes, {}
            timings, networks = self._measure_all(batch, others, run_keras, known, photos)
            remember_speed(path, replace(known, runtimes=timings))
        speeds = (
            f"{name} {each.trouble or f'{1 / each.seconds:.0f} photos a second'}" for name, each in timings.items()
        )
        chosen = choose_fastest(timings, photos)
        self._progress.note(f"{self._name} predicts on {chosen} here ({', '.join(speeds)}).", detail=True)
        return timings, networks

    def _lock_measurement(self, path: Path) -> contextlib.AbstractContextManager[object]:
        """Let one job of this machine measure the network. Without a writable cache, each job measures."""
        held = contextlib.ExitStack()
        with contextlib.suppress(StorageError):
            what = f"{self._name}: measure runtimes"
            held.enter_context(wait_for_lock(locate_speed_lock(path), what, self._progress))
        return held

    def _measure_all(
        self, batch: Pixels, others: list[Runtime], run_keras: Callable[[], object], known: NetworkSpeed, photos: int
    ) -> tuple[dict[Runtime, RuntimeSpeed], dict[Runtime, ConvertedNetwork | None]]:
        """Convert the network for all runtimes, and time each in turn with Keras.

        Only the fastest converted network so far is kept, because each takes up to half a gigabyte with its buffers.
        """
        kept: dict[Runtime, ConvertedNetwork | None] = {}
        rounds: dict[Runtime, tuple[float, float]] = {}
        timings: dict[Runtime, RuntimeSpeed] = {}
        full = pad_batch(batch, self._batch_size)
        task = self._progress.start(f"{self._name}: measure runtimes", len(others) + 1)
        for name in others:
            self._progress.raise_if_stopping(f"in the measurement of {self._name}")
            began = time.perf_counter()
            converted, problem = self._convert(name, batch)
            timings[name] = RuntimeSpeed(0.0, time.perf_counter() - began, problem)
            release_memory()
            if converted:
                works: dict[Runtime, Callable[[], object]] = {"keras": run_keras}
                works[name] = partial(converted.predict, full)
                seconds = time_in_rounds(works, min_rounds=PAIRED_ROUNDS)
                rounds[name] = seconds["keras"], seconds[name]
                kept[name] = converted
                del works
            timings = self._compare_with_keras(timings, rounds, known.runtimes["keras"].seconds * self._batch_size)
            chosen = choose_fastest(timings, photos)
            kept = {chosen: kept[chosen]} if chosen in kept else {}
            del converted
            release_memory()
            task.advance()
        task.finish()
        return timings, kept

    def _compare_with_keras(
        self,
        timings: Mapping[Runtime, RuntimeSpeed],
        rounds: Mapping[Runtime, tuple[float, float]],
        alone: float,
    ) -> dict[Runtime, RuntimeSpeed]:
        """Return the speeds of all runtimes for the load of the machine in which Keras was fastest.

        Parameters
        ----------
        rounds
            Seconds of a batch on Keras and on the runtime, in the same rounds.
        alone
            Seconds of a batch on Keras if there are no rounds.
        """
        keras_seconds = min((on_keras for on_keras, _ in rounds.values()), default=alone)
        compared: dict[Runtime, RuntimeSpeed] = {"keras": RuntimeSpeed(keras_seconds / self._batch_size)}
        for name, each in timings.items():
            if name in rounds:
                on_keras, own = rounds[name]
                each = replace(each, seconds=own * keras_seconds / on_keras / self._batch_size)
            if name != "keras":
                compared[name] = each
        return compared

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
        if not difference <= (MAX_DIFFERENCE_OF_16_BITS if runtime == SIXTEEN_BIT else MAX_DIFFERENCE):
            return None, f"the outputs of {runtime} differ by {difference:.1g}"
        return converted, ""

    def _locate_speed(self) -> Path:
        """Return the cache file for this architecture, device and these libraries, whatever the weights."""
        # Keras numbers unnamed layers within a process.
        architecture = re.sub(r"_\d+\b", "", self._speed_of.to_json())
        device = describe_device(self._batch_size)
        size, precision = self._model.input_shape[1], self._model.dtype_policy.name
        return locate_speed(
            architecture, size, self._batch_size, precision, [device.device, device.threads, *list_versions()]
        )
