"""The network that learns, its optimizer, and the network that predicts; where they are between two steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from ....backbones.jobs.precision import built_in
from ....heads.jobs.losses import LogLoss, class_weights
from ....images.batches import steps
from ..checkpoints import Arrays, Moment
from ..fold_task import Lesson
from .devices import Devices, on_gpu
from .optimizer import (
    LayerwiseAdamW,
    build_optimizer,
    restore,
    restore_loss_scale,
    state_of,
    state_of_loss_scale,
    swap_means,
)
from .unfreezing import layer_rates, unfreeze


class Learner:
    """A network under training, without the order of its epochs.

    Parameters
    ----------
    parts
        Of a batch, one after the other.
    careful
        In float32 and with half the learning rate, whatever the settings say.

    Attributes
    ----------
    settings
        The lesson's, or the careful ones.
    model
        The network that learns.
    optimizer
        Its optimizer, once :meth:`compile` was called.
    """

    def __init__(self, lesson: Lesson, devices: Devices, *, parts: int = 1, careful: bool = False) -> None:
        self.lesson = lesson
        self.devices = devices
        self.parts = parts
        self.settings = lesson.settings
        if careful:
            self._take_care()
        self._build()

    def _build(self) -> None:
        with self.devices.scope(), built_in(self.settings.precision):
            self.model = self.lesson.build()
        self._plain: Any = None

    @property
    def careful(self) -> bool:
        """Whether training goes on in float32 and with half the learning rate."""
        return self.settings is not self.lesson.settings

    def be_careful(self, phase: int) -> None:
        """Go on in float32 with half the learning rate."""
        before = self.settings
        self._take_care()
        if before.precision != self.settings.precision:
            self._build()
        self.compile(phase)

    def _take_care(self) -> None:
        phases = tuple(replace(phase, learning_rate=phase.learning_rate / 2) for phase in self.settings.phases)
        self.settings = replace(self.settings, precision="float32", phases=phases)

    @property
    def steps(self) -> int:
        """Updates in an epoch."""
        return steps(len(self.lesson.targets), self.settings.batch_size)

    def compile(self, number: int) -> None:
        """Make the network ready for a phase, with a new optimizer."""
        phase = self.settings.phases[number]
        with self.devices.scope():
            _, backbone, _head = self.model.layers
            unfreeze(backbone, phase)
            rates = layer_rates(backbone, self.settings.first_block_rate)
            updates = self.steps * phase.epochs
            self.optimizer: LayerwiseAdamW = build_optimizer(
                self.model, phase, self.settings, updates, rates, accumulated=self.parts
            )
            scaled = self.settings.precision == "float16"
            self.model.compile(
                optimizer=keras.optimizers.LossScaleOptimizer(self.optimizer) if scaled else self.optimizer,
                loss=self._loss(),
                jit_compile=on_gpu(),
                auto_scale_loss=False,
            )

    def _loss(self) -> LogLoss:
        lesson, settings = self.lesson, self.settings
        weights = class_weights(lesson.targets, settings.class_weights, exclusive=lesson.exclusive)
        return LogLoss(exclusive=lesson.exclusive, smoothing=settings.label_smoothing, weights=weights)

    def moment(self) -> Moment:
        """Return a copy of where training is."""
        optimizer = state_of(self.optimizer) | state_of_loss_scale(self.model.optimizer)
        return Moment([ops.convert_to_numpy(variable) for variable in self.model.variables], optimizer)

    def return_to(self, moment: Moment) -> None:
        """Go back, or on, to where training was.

        Raises
        ------
        ValueError
            If it is another network's.
        """
        for variable, value in zip(self.model.variables, moment.variables, strict=True):
            variable.assign(value)
        restore(self.optimizer, moment.optimizer)
        with self.devices.scope():
            restore_loss_scale(self.model.optimizer, self.model.trainable_variables, moment.optimizer)

    def has_numbers(self) -> bool:
        """Whether all weights are numbers still: the last step of an epoch can spoil them after its loss is known."""
        return all(np.isfinite(weight).all() for weight in self.model.get_weights())

    def mean_weights(self) -> Arrays:
        """Return the running mean of the weights where there is one, else the weights."""
        swap_means(self.optimizer)
        weights: Arrays = self.model.get_weights()
        swap_means(self.optimizer)
        return weights

    def judged(self) -> dict[str, float]:
        """Return the log losses of the network as it would predict now."""
        swap_means(self.optimizer)
        try:
            return self.lesson.judge(self.predictor())
        finally:
            swap_means(self.optimizer)

    def predictor(self) -> Any:
        """Return the network that predicts, with the weights of the one that learns."""
        if self._plain is None:
            # Compiling for prediction must not undo what is compiled for training, hence a second model of the layers.
            self._plain = self.lesson.build() if self._apart else keras.Model(self.model.input, self.model.output)
        if self._apart:
            self._plain.set_weights(self.model.get_weights())
        return self._plain

    def finished(self) -> Any:
        """Return the trained network, in float32 and on one device."""
        return self.predictor() if self._apart else self.model

    @property
    def _apart(self) -> bool:
        """Whether the network that predicts is another one than the network that learns."""
        return self.devices.shared or self.settings.precision != "float32"
