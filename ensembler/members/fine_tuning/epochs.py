"""One network through the epochs of its phases; a step that fails is mended and its epoch done again."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...errors import BadChoice
from ...images.batches import steps
from ...progress import Progress, Task
from ..losses import LogLoss, class_weights
from .callbacks import Steps, StopAtNaN, StopInTime
from .devices import Devices, on_gpu
from .lesson import Lesson
from .optimizer import LayerwiseAdamW, build_optimizer, restore, state_of, swap_means
from .pace import Pace
from .precision import built_in
from .trouble import is_out_of_memory
from .unfreezing import layer_rates, unfreeze

Weights = list[NDArray[Any]]


class Training:
    """Trains one network; :meth:`run` does it all.

    Attributes
    ----------
    model
        The network that learns; in the end it has the best weights or the mean ones, as the settings say.
    history
        A row for each epoch.
    """

    def __init__(self, lesson: Lesson, devices: Devices, progress: Progress) -> None:
        self.lesson = lesson
        self.devices = devices
        self.progress = progress
        self.history: list[dict[str, Any]] = []
        self._settings = lesson.settings
        self._parts = 1  # of a batch, one after the other
        self.pace = Pace(lesson.settings.phases, self._steps(), lesson.allotment)
        self._build()

    def _build(self) -> None:
        with self.devices.scope(), built_in(self._settings.precision):
            self.model = self.lesson.build()
        self._plain: Any = None

    def run(self) -> Any:
        """Go through all phases; return the trained network, in float32 and on one device."""
        task = self.progress.start(f"{self.lesson.name}: fine-tune", self.pace.updates())
        for number in range(len(self._settings.phases)):
            self._phase(number, task)
        task.finish()
        return self._synced() if self._apart else self.model

    def _steps(self) -> int:
        return steps(len(self.lesson.targets), self._settings.batch_size)

    def _phase(self, number: int, task: Task) -> None:
        self._compile(number)
        best, best_weights, behind = math.inf, None, 0
        for epoch in self.pace.epochs(number):
            self.optimizer.end_at(self.pace.end)
            row = self._epoch(number, epoch, task)
            if not self._settings.patience:
                continue
            if row["watched_log_loss"] < best:
                best, best_weights, behind = row["watched_log_loss"], self._mean_weights(), 0
            elif (behind := behind + 1) == self._settings.patience:
                self.progress.note(f"{self.lesson.name}: no better for {behind} epochs, so phase {number + 1} ends.")
                break
        self.model.set_weights(best_weights or self._mean_weights())

    def _compile(self, number: int) -> None:
        phase = self._settings.phases[number]
        with self.devices.scope():
            _, backbone, _head = self.model.layers
            unfreeze(backbone, phase)
            rates = layer_rates(backbone, self._settings.first_block_rate)
            updates = self._steps() * phase.epochs
            self.optimizer: LayerwiseAdamW = build_optimizer(
                self.model, phase, self._settings, updates, rates, accumulated=self._parts
            )
            scaled = self._settings.precision == "float16"
            self.model.compile(
                optimizer=keras.optimizers.LossScaleOptimizer(self.optimizer) if scaled else self.optimizer,
                loss=self._loss(),
                jit_compile=on_gpu(),
                auto_scale_loss=False,
            )

    @property
    def _apart(self) -> bool:
        """Whether the network that predicts is another one than the network that learns."""
        return self.devices.shared or self._settings.precision != "float32"

    def _synced(self) -> Any:
        """Return the network that predicts, with the weights of the one that learns."""
        if self._plain is None:
            # Compiling for prediction must not undo what is compiled for training, hence a second model of the layers.
            self._plain = self.lesson.build() if self._apart else keras.Model(self.model.input, self.model.output)
        if self._apart:
            self._plain.set_weights(self.model.get_weights())
        return self._plain

    def _judge(self) -> dict[str, float]:
        swap_means(self.optimizer)
        judged = self.lesson.judge(self._synced())
        swap_means(self.optimizer)
        return judged

    def _mean_weights(self) -> Weights:
        """Return the running mean of the weights where there is one, else the weights."""
        swap_means(self.optimizer)
        weights: Weights = self.model.get_weights()
        swap_means(self.optimizer)
        return weights

    def _loss(self) -> LogLoss:
        lesson, settings = self.lesson, self._settings
        weights = class_weights(lesson.targets, settings.class_weights, exclusive=lesson.exclusive)
        return LogLoss(exclusive=lesson.exclusive, smoothing=settings.label_smoothing, weights=weights)

    def _epoch(self, number: int, epoch: int, task: Task) -> dict[str, Any]:
        began = time.monotonic()
        loss = self._mended(number, task)
        seconds = time.monotonic() - began
        judged = self._judge()
        row = {
            "phase": str(self._settings.phases[number].unfreeze),
            "epoch": epoch + 1,
            "training_loss": loss,
            "watched_log_loss": judged.get("watched", ""),
            "held_out_log_loss": judged.get("held_out", ""),
            "precision": self._settings.precision,
            "batch": f"{self._settings.batch_size // self._parts} x {self._parts}",
            "share": round(self.pace.made / self._steps(), 3),
            "seconds": round(seconds, 3),
        }
        self.history.append(row)
        return row

    def _mended(self, number: int, task: Task) -> float:
        """Do one epoch, again and otherwise if it fails; return its mean loss."""
        weights, state = self.model.get_weights(), state_of(self.optimizer)
        while True:
            try:
                loss = self._fit(task)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                self._halve_batch(number, error)
            else:
                if math.isfinite(loss) and self._has_numbers():
                    return loss
                self._be_careful(number)
            self.model.set_weights(weights)
            restore(self.optimizer, state)

    def _has_numbers(self) -> bool:
        """Whether all weights are numbers still: the last step of an epoch can spoil them after its loss is known."""
        return all(np.isfinite(weight).all() for weight in self.model.get_weights())

    def _fit(self, task: Task) -> float:
        settings = self._settings
        batches = partial(
            self.lesson.photos.epoch,
            len(self.history),
            batch_size=settings.batch_size,
            seed=self.lesson.seed,
            augmentation=settings.augmentation,
            parts=self._parts,
        )
        count = self.pace.now * self._parts
        with self.devices.scope():
            fitted = self.model.fit(
                self.devices.feed(batches),
                steps_per_epoch=count,
                epochs=1,
                verbose=0,
                callbacks=[Steps(task, self._parts), StopAtNaN(), StopInTime(self.pace, self._parts)],
                shuffle=False,
            )
        # Keras counts the rows of weight 0 that fill the last batch; they have no loss.
        rows = self.pace.made * settings.batch_size
        return float(fitted.history["loss"][0]) * rows / min(rows, len(self.lesson.targets))

    def begin(self, number: int) -> None:
        """Get a phase ready without going through it, for :meth:`try_out`."""
        self._compile(number)

    def try_out(self, number: int, updates: int, task: Task) -> float:
        """Do some updates as an epoch does them, and return the seconds that they took."""
        began = time.monotonic()
        self.pace.now = self.pace.made = updates
        self._mended(number, task)
        return time.monotonic() - began

    def _halve_batch(self, number: int, error: Exception) -> None:
        """Take each batch in parts, so that memory suffices and the updates stay the same."""
        settings, parts = self._settings, 2 * self._parts
        what = f"{self.lesson.name}: {settings.batch_size // self._parts} photos of {settings.image_size} pixels do not"
        if self.devices.shared:
            # Keras adds up gradients under a condition, which tf.distribute cannot cross.
            raise BadChoice(f"{what} fit into the memory of {self.devices.count} devices: use a smaller --batch-size.")
        if settings.batch_size % parts:
            raise BadChoice(f"{what} fit into memory: use a smaller --image-size or another backbone.") from error
        self._parts = parts
        self.progress.warn(
            f"{self.lesson.name}: out of memory; batches of {self._settings.batch_size} photos are now taken in "
            f"{parts} parts, with gradients added up and the learning rate as before."
        )
        self._compile(number)

    def _be_careful(self, number: int) -> None:
        """Go on in float32 with half the learning rate."""
        lesson, before = self.lesson, self._settings
        if before is not lesson.settings:
            raise BadChoice(
                f"{lesson.name}: the loss is no number, in float32 and at half the learning rate too: try a lower "
                "--learning-rate, or look at the photos by --show-augmented."
            )
        phases = tuple(replace(phase, learning_rate=phase.learning_rate / 2) for phase in before.phases)
        self._settings = replace(before, precision="float32", phases=phases)
        self.progress.warn(
            f"{lesson.name}: the loss became no number in epoch {len(self.history) + 1}; back to the epoch before, in "
            "float32 and with half the learning rate."
        )
        if before.precision != "float32":
            self._build()
        self._compile(number)
