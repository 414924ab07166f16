"""Runs a network over batches, on the runtime that was measured to be the fastest here and gives the same answers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from ...serialization import fingerprint
from ..runtimes import WORTH, Runtime, RuntimeChoice, Took, fastest, is_installed, load_took, save_took
from ..timing import processors
from .converted import Converted, convert, obstacle, versions
from .device import device_name
from .networks import answer

Pixels = NDArray[np.uint8]

# Largest difference between two runtimes' answers, as a share of the largest answer: with features that differ by it,
# stack.keras, which is Keras's, still repeats stored probabilities to some 1e-5.
AGREEMENT = 2e-5
# Photos on which that is looked at.
_COMPARED = 4
# Fewer photos, or smaller ones (height and width in pixels), are not worth a look at the clock.
FEWEST, SMALLEST = 500, 32


class Predictor:
    """A network, and what runs it: Keras, unless something else gives the same answers in less time.

    Parameters
    ----------
    model
        Takes pixels of shape (batch, size, size, 3), gives an array of shape (batch, width).
    batch_size
        Photos that it is given at once, at most.
    name
        As a person knows it.
    choice
        What is to run it: ``auto``, or what a person chose, which Keras replaces where it gives other answers.
    progress
        Hears what was measured, and what a person chose in vain.
    """

    def __init__(self, model: Any, batch_size: int, name: str, choice: RuntimeChoice, progress: Progress) -> None:
        self._model = model
        self._batch_size = batch_size
        self._name = name
        self._choice = choice
        self._progress = progress
        self._converted: Converted | None = None
        # Photos for which it was settled what runs the network.
        self._settled = 0

    def answer(self, batch: Pixels, photos: int) -> NDArray[np.float32]:
        """Run the network over one batch.

        Parameters
        ----------
        batch
            At most ``batch_size`` photos; they are filled up, so that each network sees one shape only.
        photos
            How many there are in all, which decides what pays.

        Returns
        -------
        array of shape (photos of the batch, width)
        """
        if photos > self._settled:
            self._settled = photos
            if self._converted is None:
                self._converted = self._settle(batch, photos)
        if self._converted is None:
            return answer(self._model, batch, self._batch_size)
        return self._converted.predict(self._filled(batch))[: len(batch)]

    def _filled(self, batch: Pixels) -> Pixels:
        return np.concatenate([batch, np.zeros((self._batch_size - len(batch), *batch.shape[1:]), batch.dtype)])

    def _settle(self, batch: Pixels, photos: int) -> Converted | None:
        """Return what is to run the network in Keras's place, if anything is."""
        if self._choice == "keras":
            return None
        if self._choice != "auto":
            converted, trouble = self._turn(self._choice, batch)
            if trouble:
                self._progress.warn(f"{self._name} predicts on Keras although --runtime is {self._choice}: {trouble}.")
            return converted
        if photos < FEWEST or self._model.input_shape[1] < SMALLEST or obstacle():
            return None
        return self._fastest(batch, photos)

    def _fastest(self, batch: Pixels, photos: int) -> Converted | None:
        """Measure what was not measured on this machine, if it is worth it, and go by that."""
        key = self._key()
        took = load_took(key)
        turned: dict[Runtime, Converted | None] = {}
        if "keras" not in took:
            took["keras"] = Took(
                self._seconds_a_photo(partial(answer, self._model, self._filled(batch), self._batch_size))
            )
            save_took(key, took)
        others: tuple[Runtime, ...] = ("graph", "onnx") if is_installed() else ("graph",)
        new = [name for name in others if name not in took and photos * took["keras"].seconds > WORTH]
        for name in self._progress.track(new, f"{self._name}: measure runtimes", len(new)) if new else ():
            turned[name], took[name] = self._measured(name, batch)
            save_took(key, took)
        chosen = fastest(took, photos)
        if new:
            self._progress.note(self._words(chosen, took))
        if chosen == "keras" or chosen in turned:
            return turned.get(chosen)
        converted, trouble = self._turn(chosen, batch)
        if trouble:
            # The weights are others than those that were measured.
            self._progress.note(f"{self._name} predicts on Keras: {trouble}.")
        return converted

    def _measured(self, runtime: Runtime, batch: Pixels) -> tuple[Converted | None, Took]:
        began = time.perf_counter()
        converted, trouble = self._turn(runtime, batch)
        conversion = time.perf_counter() - began
        seconds = self._seconds_a_photo(partial(converted.predict, self._filled(batch))) if converted else 0.0
        return converted, Took(seconds, conversion, trouble)

    def _turn(self, runtime: Runtime, batch: Pixels) -> tuple[Converted | None, str]:
        """Turn the network into what a runtime takes; or tell why that cannot take Keras's place."""
        if trouble := obstacle():
            return None, trouble
        try:
            converted = convert(self._model, runtime, processors())
            few = batch[:_COMPARED]
            given = converted.predict(few)
        except Exception as error:  # noqa: BLE001  # converters raise anything; Keras can run it all the same
            first = str(error).strip().partition("\n")[0][:200]
            return None, f"{runtime} cannot run it ({type(error).__name__}: {first})"
        expected = np.asarray(self._model(few.astype(np.float32), training=False), np.float32)
        difference = float(np.abs(given - expected).max() / max(float(np.abs(expected).max()), 1e-9))
        # Written so that what is no number does not pass.
        if not difference <= AGREEMENT:
            return None, f"the answers of {runtime} differ by {difference:.1g}"
        return converted, ""

    def _seconds_a_photo(self, work: Callable[[], Any]) -> float:
        """Time work on a whole batch: the quicker of two, after one that compiles."""
        work()
        taken = []
        for _ in range(2):
            began = time.perf_counter()
            work()
            taken.append(time.perf_counter() - began)
        return min(taken) / self._batch_size

    def _words(self, chosen: Runtime, took: dict[Runtime, Took]) -> str:
        times = ", ".join(
            f"{name} {each.trouble or f'{1 / each.seconds:.0f} photos a second'}" for name, each in took.items()
        )
        return f"{self._name} predicts on {chosen} here ({times})."

    def _key(self) -> str:
        """Hash of what the speeds depend on: the network but for its weights, the machine and the libraries."""
        # Layers that have no name of their own are numbered on within a process.
        architecture = re.sub(r"_\d+\b", "", self._model.to_json())
        return fingerprint([architecture, self._batch_size, device_name(), processors(), *versions()])
