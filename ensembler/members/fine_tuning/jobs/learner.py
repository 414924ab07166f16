"""The network under training, its optimizer, the network that predicts, and snapshots of them between two steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from ....backbones.jobs.devices import bring_weights_back, uses_xla_for_training
from ....backbones.jobs.precision import use_precision
from ....heads.jobs.losses import build_loss, compute_class_weights
from ....images.batches import count_steps
from ..checkpoints import Arrays, TrainingSnapshot
from ..fold_task import FoldTask
from .devices import Devices
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
    """A network under training, without its schedule of epochs.

    Parameters
    ----------
    accumulation_steps
        Parts into which each batch is split.
    fp32_fallback
        Whether to train in float32 with half the learning rate of the settings.

    Attributes
    ----------
    settings
        Settings of the fold's task, or of the fallback to float32.
    model
        Network under training.
    optimizer
        Optimizer, available after :meth:`compile`.
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
        """Whether training fell back to float32 and half the learning rate."""
        return self.settings is not self.fold_task.settings

    def fall_back_to_fp32(self, phase: int) -> None:
        """Continue in float32 with half the learning rate."""
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
        """Number of updates in an epoch."""
        return count_steps(len(self.fold_task.photos), self.settings.batch_size)

    def compile(self, number: int) -> None:
        """Compile the network for a phase, with a new optimizer."""
        fold_task, settings = self.fold_task, self.settings
        phase = settings.phases[number]
        weights = compute_class_weights(fold_task.targets, settings.class_weights, multiclass=fold_task.multiclass)
        with self.devices.scope():
            _, backbone, _head = self.model.layers
            unfreeze(backbone, phase)
            rates = compute_layer_rates(backbone, settings.first_block_rate)
            updates = self.steps * phase.epochs
            self.optimizer: LayerwiseAdamW = build_optimizer(
                self.model, phase, settings, updates, rates, accumulation_steps=self.accumulation_steps
            )
            scaled = settings.precision == "float16"
            self.model.compile(
                optimizer=keras.optimizers.LossScaleOptimizer(self.optimizer) if scaled else self.optimizer,
                loss=build_loss(
                    multiclass=fold_task.multiclass,
                    smoothing=settings.label_smoothing,
                    weights=weights,
                    soft=fold_task.soft,
                ),
                jit_compile=uses_xla_for_training(),
                auto_scale_loss=False,
            )

    def take_snapshot(self) -> TrainingSnapshot:
        """Return a copy of the current state."""
        bring_weights_back(self.model)
        optimizer = read_state(self.optimizer) | read_loss_scale(self.model.optimizer)
        return TrainingSnapshot([ops.convert_to_numpy(variable) for variable in self.model.variables], optimizer)

    def restore(self, snapshot: TrainingSnapshot) -> None:
        """Restore a snapshot.

        Raises
        ------
        ValueError
            If the snapshot belongs to another network.
        """
        for variable, value in zip(self.model.variables, snapshot.variables, strict=True):
            variable.assign(value)
        restore_state(self.optimizer, snapshot.optimizer)
        with self.devices.scope():
            restore_loss_scale(self.model.optimizer, self.model.trainable_variables, snapshot.optimizer)

    def has_finite_weights(self) -> bool:
        """Return whether all weights are finite.

        The last step of an epoch can make them NaN after its loss was computed.
        """
        return all(np.isfinite(weight).all() for weight in self.model.get_weights())

    def read_mean_weights(self) -> Arrays:
        """Return the exponential moving average of the weights if there is one, else the weights."""
        swap_means(self.optimizer)
        weights: Arrays = self.model.get_weights()
        swap_means(self.optimizer)
        return weights

    def evaluate(self) -> dict[str, float]:
        """Return the log losses of the network in its current state."""
        swap_means(self.optimizer)
        try:
            return self.fold_task.evaluate(self.prepare_predictor())
        finally:
            swap_means(self.optimizer)

    def prepare_predictor(self) -> Any:
        """Return the network that predicts, with the current weights."""
        if self._predictor is None:
            # A second model of the same layers, because compiling for prediction discards the compiled training step.
            self._predictor = (
                self.fold_task.build() if self._has_own_predictor else keras.Model(self.model.input, self.model.output)
            )
        if self._has_own_predictor:
            self._predictor.set_weights(self.model.get_weights())
        return self._predictor

    def export_model(self) -> Any:
        """Return the trained network in float32 on one device."""
        return self.prepare_predictor() if self._has_own_predictor else self.model

    @property
    def _has_own_predictor(self) -> bool:
        """Whether prediction needs a second network with its own weights."""
        return self.devices.is_distributed or self.settings.precision != "float32"
