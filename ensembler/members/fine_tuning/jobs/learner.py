"""The network under training, its optimizer, the network that predicts, and snapshots of them between two steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ....backbones.jobs.devices import bring_weights_back, prepare_backend, uses_xla_for_training
from ....backbones.jobs.precision import use_precision
from ....heads.jobs.losses import build_loss, compute_class_weights
from ....images.batches import count_steps
from ....images.views import Views
from ..checkpoints import Arrays, TrainingSnapshot
from ..fold_task import FoldTask
from .compiled_networks import ClassWeights, CompiledNetworks, CompiledStep
from .devices import Devices
from .optimizer import (
    build_optimizer,
    read_array,
    read_loss_scale,
    read_state,
    reset_loss_scale,
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
    networks
        Networks of the member's earlier folds, which are trained again from the start.

    Attributes
    ----------
    settings
        Settings of the fold's task, or of the fallback to float32.
    network
        Network under training.
    model, optimizer
        Compiled model of the network's layers, and its optimizer, available after :meth:`compile`.
    """

    def __init__(
        self,
        fold_task: FoldTask,
        devices: Devices,
        *,
        accumulation_steps: int = 1,
        fp32_fallback: bool = False,
        networks: CompiledNetworks | None = None,
    ) -> None:
        self.fold_task = fold_task
        self.devices = devices
        self.accumulation_steps = accumulation_steps
        self.settings = fold_task.settings
        self._networks = networks or CompiledNetworks()
        if fp32_fallback:
            self._use_fp32_settings()
        self._build()

    def _build(self) -> None:
        with self.devices.scope(), use_precision(self.settings.precision):
            self.network = self._networks.start(self.settings.precision, self.fold_task.build)

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
        """Compile the network for a phase, with a new state of the optimizer."""
        phase, precision = self.settings.phases[number], self.settings.precision
        self._phase = phase
        with self.devices.scope():
            self._set_trainable()
            key = (phase.unfreeze, phase.batch_norm, self.accumulation_steps)
            step = self._networks.find_or_compile(precision, key, self._compile_step)
            if step.class_weights is not None:
                step.class_weights.assign(self._compute_class_weights())
            step.optimizer.start(phase.learning_rate, self.steps * phase.epochs)
            reset_loss_scale(step.model.optimizer)
        self.model, self.optimizer = step.model, step.optimizer

    def _set_trainable(self) -> None:
        """Set the trainable layers of the phase."""
        # TensorFlow ignores a flag that the network has already, even if its layers have another one.
        for flag in (False, True):
            self.network.trainable = flag
        _, backbone, _head = self.network.layers
        unfreeze(backbone, self._phase)

    def _compute_class_weights(self) -> NDArray[np.float32]:
        task = self.fold_task
        return compute_class_weights(task.targets, self.settings.class_weights, multiclass=task.multiclass)

    def _compile_step(self) -> CompiledStep:
        fold_task, settings, network = self.fold_task, self.settings, self.network
        outputs, held = network.output, None
        weights: Any = self._compute_class_weights()
        if settings.class_weights != "none":
            held = ClassWeights(weights.shape[1])
            outputs, weights = held(outputs), (held.absent, held.present)
        model = keras.Model(network.input, outputs)
        rates = compute_layer_rates(network.layers[1], settings.first_block_rate)
        optimizer = build_optimizer(model, settings, rates, accumulation_steps=self.accumulation_steps)
        scaled = settings.precision == "float16"
        prepare_backend()
        model.compile(
            optimizer=keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer,
            loss=build_loss(
                multiclass=fold_task.multiclass,
                smoothing=settings.label_smoothing,
                weights=weights,
                soft=fold_task.soft,
            ),
            jit_compile=uses_xla_for_training(),
            auto_scale_loss=False,
        )
        return CompiledStep(model, optimizer, held)

    def split_batches(self, phase: int) -> None:
        """Split each batch into twice as many parts."""
        self.accumulation_steps *= 2
        # The optimizer of the larger parts takes memory too.
        self._networks.drop_steps()
        self.compile(phase)

    def take_snapshot(self) -> TrainingSnapshot:
        """Return a copy of the current state."""
        bring_weights_back(self.model)
        optimizer = read_state(self.optimizer) | read_loss_scale(self.model.optimizer)
        return TrainingSnapshot([read_array(variable) for variable in self.network.variables], optimizer)

    def restore(self, snapshot: TrainingSnapshot) -> None:
        """Restore a snapshot.

        Raises
        ------
        ValueError
            If the snapshot belongs to another network.
        """
        self.restore_weights(snapshot)
        restore_state(self.optimizer, snapshot.optimizer)
        with self.devices.scope():
            restore_loss_scale(self.model.optimizer, self.model.trainable_variables, snapshot.optimizer)

    def restore_weights(self, snapshot: TrainingSnapshot) -> None:
        """Restore the network of a snapshot, without its optimizer."""
        for variable, value in zip(self.network.variables, snapshot.variables, strict=True):
            variable.assign(value)

    def has_finite_weights(self) -> bool:
        """Return whether all weights are finite.

        The last step of an epoch can make them NaN after its loss was computed.
        """
        return all(np.isfinite(weight).all() for weight in self.network.get_weights())

    def read_mean_weights(self) -> Arrays:
        """Return the exponential moving average of the weights if there is one, else the weights."""
        swap_means(self.optimizer)
        weights: Arrays = [np.array(weight) for weight in self.network.get_weights()]
        swap_means(self.optimizer)
        return weights

    def evaluate(self) -> dict[str, float]:
        """Return the log losses of the network in its current state."""
        swap_means(self.optimizer)
        try:
            return self.fold_task.evaluate(self.prepare_predictor())
        finally:
            self._set_trainable()
            swap_means(self.optimizer)

    def prepare_predictor(self, views: Views = "none") -> Any:
        """Return the network that predicts in float32 on one device, averaged over views, with the current weights."""
        name: str = self.settings.precision
        if self._has_own_predictor:
            name = "prediction"
            own = self._networks.find_or_build(name, self.fold_task.build)
            own.set_weights(self.network.get_weights())
        model = self._networks.find_predictor(name, views)
        # JAX compiles again if other weights are trainable.
        model.trainable = False
        return model

    @property
    def _has_own_predictor(self) -> bool:
        """Whether prediction needs a second network with its own weights."""
        return self.devices.is_distributed or self.settings.precision != "float32"
