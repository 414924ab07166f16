"""The network that learns, its optimizer, and the network that predicts; where they are between two steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from ....backbones.jobs.precision import use_precision
from ....heads.jobs.losses import LogLoss, compute_class_weights
from ....images.batches import count_steps
from ..checkpoints import Arrays, TrainingSnapshot
from ..fold_task import FoldTask
from .devices import Devices, is_on_gpu
from .optimizer import (
    LayerwiseAdamW,
    build_optimizer,
    read_loss_scale,
    read_state,
    restore_loss_scale,
    restore_state,
    swap_means,
)
from .unfreezing import compute_layer_rates, unfreeze


class Learner:
    """A network under training, without the order of its epochs.

    Parameters
    ----------
    accumulation_steps
        Of a batch, one after the other.
    fp32_fallback
        In float32 and with half the learning rate, whatever the settings say.

    Attributes
    ----------
    settings
        Those of the fold's task, or those of the fallback to float32.
    model
        The network that learns.
    optimizer
        Its optimizer, once :meth:`compile` was called.
    """

    def __init__(
        self, fold_task: FoldTask, devices: Devices, *, accumulation_steps: int = 1, fp32_fallback: bool = False
    ) -> None:
        self.fold_task = fold_task
        self.devices = devices
        self.accumulation_steps = accumulation_steps
        self.settings = fold_task.settings
        if fp32_fallback:
            self._use_fp32_settings()
        self._build()

    def _build(self) -> None:
        with self.devices.scope(), use_precision(self.settings.precision):
            self.model = self.fold_task.build()
        self._predictor: Any = None

    @property
    def fp32_fallback(self) -> bool:
        """Whether training goes on in float32 and with half the learning rate."""
        return self.settings is not self.fold_task.settings

    def fall_back_to_fp32(self, phase: int) -> None:
        """Go on in float32 with half the learning rate."""
        before = self.settings
        self._use_fp32_settings()
        if before.precision != self.settings.precision:
            self._build()
        self.compile(phase)

    def _use_fp32_settings(self) -> None:
        phases = tuple(replace(phase, learning_rate=phase.learning_rate / 2) for phase in self.settings.phases)
        self.settings = replace(self.settings, precision="float32", phases=phases)

    @property
    def steps(self) -> int:
        """Updates in an epoch."""
        return count_steps(len(self.fold_task.targets), self.settings.batch_size)

    def compile(self, number: int) -> None:
        """Make the network ready for a phase, with a new optimizer."""
        phase = self.settings.phases[number]
        with self.devices.scope():
            _, backbone, _head = self.model.layers
            unfreeze(backbone, phase)
            rates = compute_layer_rates(backbone, self.settings.first_block_rate)
            updates = self.steps * phase.epochs
            self.optimizer: LayerwiseAdamW = build_optimizer(
                self.model, phase, self.settings, updates, rates, accumulation_steps=self.accumulation_steps
            )
            scaled = self.settings.precision == "float16"
            self.model.compile(
                optimizer=keras.optimizers.LossScaleOptimizer(self.optimizer) if scaled else self.optimizer,
                loss=self._build_loss(),
                jit_compile=is_on_gpu(),
                auto_scale_loss=False,
            )

    def _build_loss(self) -> LogLoss:
        fold_task, settings = self.fold_task, self.settings
        weights = compute_class_weights(fold_task.targets, settings.class_weights, multiclass=fold_task.multiclass)
        return LogLoss(multiclass=fold_task.multiclass, smoothing=settings.label_smoothing, weights=weights)

    def take_snapshot(self) -> TrainingSnapshot:
        """Return a copy of where training is."""
        optimizer = read_state(self.optimizer) | read_loss_scale(self.model.optimizer)
        return TrainingSnapshot([ops.convert_to_numpy(variable) for variable in self.model.variables], optimizer)

    def restore(self, snapshot: TrainingSnapshot) -> None:
        """Go back, or on, to where training was.

        Raises
        ------
        ValueError
            If it is another network's.
        """
        for variable, value in zip(self.model.variables, snapshot.variables, strict=True):
            variable.assign(value)
        restore_state(self.optimizer, snapshot.optimizer)
        with self.devices.scope():
            restore_loss_scale(self.model.optimizer, self.model.trainable_variables, snapshot.optimizer)

    def has_finite_weights(self) -> bool:
        """Whether all weights are numbers still: the last step of an epoch can spoil them after its loss is known."""
        return all(np.isfinite(weight).all() for weight in self.model.get_weights())

    def read_mean_weights(self) -> Arrays:
        """Return the running mean of the weights where there is one, else the weights."""
        swap_means(self.optimizer)
        weights: Arrays = self.model.get_weights()
        swap_means(self.optimizer)
        return weights

    def evaluate(self) -> dict[str, float]:
        """Return the log losses of the network as it would predict now."""
        swap_means(self.optimizer)
        try:
            return self.fold_task.evaluate(self.prepare_predictor())
        finally:
            swap_means(self.optimizer)

    def prepare_predictor(self) -> Any:
        """Return the network that predicts, with the weights of the one that learns."""
        if self._predictor is None:
            # Compiling for prediction must not undo what is compiled for training, hence a second model of the layers.
            self._predictor = (
                self.fold_task.build() if self._has_own_predictor else keras.Model(self.model.input, self.model.output)
            )
        if self._has_own_predictor:
            self._predictor.set_weights(self.model.get_weights())
        return self._predictor

    def export_model(self) -> Any:
        """Return the trained network, in float32 and on one device."""
        return self.prepare_predictor() if self._has_own_predictor else self.model

    @property
    def _has_own_predictor(self) -> bool:
        """Whether the network that predicts is another one than the network that learns."""
        return self.devices.is_distributed or self.settings.precision != "float32"
