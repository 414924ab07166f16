"""AdamW for fine-tuning: layer-wise rates, no decay of norms and biases, and averaged weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from ....options.settings import MemberSettings

# Fraction of the steps during which the learning rate rises to its maximum. It then decays to zero along a cosine.
WARMUP_SHARE = 0.1


class LayerwiseAdamW(keras.optimizers.AdamW):  # type: ignore[misc]  # Keras is untyped
    """AdamW (Loshchilov & Hutter, Decoupled Weight Decay Regularization, 2019) with a rate per variable.

    The rate scales both the step and the decay. The exponential moving average of the weights (``use_ema``) uses a
    smaller decay rate in its first steps, as in timm and TensorFlow's ExponentialMovingAverage, so that short trainings
    benefit as well.
    """

    def build(self, variables: Any) -> None:
        """Create the variables, including the position in the schedule."""
        if self.built:
            return
        super().build(variables)
        self._schedule_begin = self.add_variable((), "zeros", "float32", name="schedule_begin")
        self._schedule_speed = self.add_variable((), "ones", "float32", name="schedule_speed")
        names = ("first_rate", "highest_rate", "warm_up_steps", "decay_steps")
        self._schedule = [self.add_variable((), "ones", "float32", name=name) for name in names]

    def start(self, highest: float, steps: int) -> None:
        """Start a phase of ``steps`` updates: warm-up to the rate ``highest``, then cosine decay to zero.

        The schedule is that of Loshchilov & Hutter (SGDR, 2017). Its numbers are variables, so nothing is compiled
        again for another fold or phase.
        """
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        warm_up = max(1, round(WARMUP_SHARE * steps))
        for variable, value in zip(
            self._schedule, (highest / 10, highest, warm_up, max(1, steps - warm_up)), strict=True
        ):
            variable.assign(value)
        self._schedule_speed.assign(1)
        if self.use_ema:
            for variable, mean in zip(self._trainable_variables, self._model_variables_moving_average, strict=True):
                # A copy, because JAX donates the memory of both at each step and can donate a buffer only once.
                mean.assign(ops.copy(variable))

    def set_schedule_end(self, update: int) -> None:
        """Let the learning rate decay from its current value to zero at update number ``update``.

        The speed of the schedule is a variable, so nothing is compiled again.
        """
        done = int(ops.convert_to_numpy(self.iterations))
        place = float(ops.convert_to_numpy(self._find_schedule_position(done)))
        if update <= done:
            return
        warm_up, decay = (float(ops.convert_to_numpy(steps)) for steps in self._schedule[2:])
        speed = (warm_up + decay - place) / (update - done)
        self._schedule_begin.assign(place - speed * done)
        self._schedule_speed.assign(speed)

    def _find_schedule_position(self, updates: Any) -> Any:
        """Return the position in the original schedule, in updates."""
        return self._schedule_begin + self._schedule_speed * ops.cast(updates, "float32")

    def set_rates(self, rates: Mapping[int, float]) -> None:
        """Set the fraction of the learning rate by the ``id`` of the variable. Other variables use 1."""
        self._rates = [rates.get(id(variable), 1.0) for variable in self._trainable_variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Apply weight decay and one step to a variable."""
        rate = ops.cast(learning_rate, variable.dtype) * self._rates[self._get_variable_index(variable)]
        if self.weight_decay and self._use_weight_decay(variable):
            self.assign_sub(variable, ops.multiply(variable, rate * self.weight_decay))
        super().update_step(gradient, variable, rate)

    def _get_current_learning_rate(self) -> Any:
        """Return the learning rate by updates. Keras counts batches, of which an update may accumulate several."""
        first, highest, warm_up, decay = self._schedule
        position = ops.minimum(self._find_schedule_position(self.iterations), decay + warm_up)
        rising = (highest - first) * (position / warm_up) + first
        falling = highest * (0.5 * (1.0 + ops.cos(math.pi * ((position - warm_up) / decay))))
        return ops.where(position < warm_up, rising, falling)

    def _apply_weight_decay(self, variables: Any) -> None:
        """Do nothing, because :meth:`update_step` applies the decay with the variable's rate."""

    def finalize_variable_values(self, var_list: Any) -> None:
        """Do nothing. Keras would replace the weights by their averages after each ``fit``, here after each epoch."""

    def _update_model_variables_moving_average(self, trainable_variables: Any) -> None:
        step = ops.cast(self.iterations, "float32")
        kept = ops.minimum(self.ema_momentum, (1.0 + step) / (10.0 + step))
        if self.gradient_accumulation_steps:
            # The weights and their average stay constant between two updates.
            updated = ops.equal((self._iterations + 1) % self.gradient_accumulation_steps, 0)
            kept = ops.where(updated, kept, 1.0)
        for variable, mean in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            share = ops.cast(kept, variable.dtype)
            mean.assign(ops.add(ops.multiply(share, mean), ops.multiply(1 - share, variable)))


def build_optimizer(
    model: Any,
    settings: MemberSettings,
    rates: Mapping[int, float],
    *,
    accumulation_steps: int = 1,
) -> LayerwiseAdamW:
    """Build the optimizer of the currently trainable weights of ``model``. :meth:`LayerwiseAdamW.start` must follow.

    Parameters
    ----------
    rates
        Fraction of the learning rate by the ``id`` of the variable.
    accumulation_steps
        Batches whose gradients are accumulated for one update.
    """
    optimizer = LayerwiseAdamW(
        learning_rate=_refuse_schedule,
        weight_decay=settings.weight_decay,
        global_clipnorm=settings.clip_norm or None,
        use_ema=settings.ema > 0,
        ema_momentum=settings.ema,
        gradient_accumulation_steps=accumulation_steps if accumulation_steps > 1 else None,
        name="optimizer",
    )
    variables = model.trainable_variables
    # Biases and the scales of normalization layers have one axis. They are not decayed.
    optimizer.exclude_from_weight_decay(var_list=[variable for variable in variables if len(variable.shape) < 2])
    optimizer.build(variables)
    optimizer.set_rates(rates)
    return optimizer


def _refuse_schedule() -> float:
    """Stand in the place of Keras's own rate, which :class:`LayerwiseAdamW` computes from its variables."""
    raise RuntimeError("The learning rate of LayerwiseAdamW has its own schedule.")


def swap_means(optimizer: LayerwiseAdamW) -> None:
    """Swap the weights and their moving averages. A second call undoes the swap."""
    if not optimizer.use_ema:
        return
    pairs = zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
    for variable, mean in pairs:
        kept = read_array(variable)
        variable.assign(mean)
        mean.assign(kept)


def read_state(optimizer: LayerwiseAdamW) -> dict[str, NDArray[Any]]:
    """Return the state of the optimizer. The counter holds updates, not batches.

    Arrays are keyed by position, because Keras renumbers the names of layers with every network.
    """
    accumulation_steps = optimizer.gradient_accumulation_steps or 1
    state = {str(place): read_array(variable) for place, variable in enumerate(_list_state_variables(optimizer))}
    return {**state, "updates": np.asarray(int(ops.convert_to_numpy(optimizer._iterations)) // accumulation_steps)}


def restore_state(optimizer: LayerwiseAdamW, state: Mapping[str, NDArray[Any]]) -> None:
    """Restore the state of another optimizer for the same weights."""
    for place, variable in enumerate(_list_state_variables(optimizer)):
        variable.assign(state[str(place)])
    optimizer._iterations.assign(int(state["updates"]) * (optimizer.gradient_accumulation_steps or 1))


def read_array(variable: Any) -> NDArray[Any]:
    """Return a copy of a variable's value. JAX's own array may be a view of memory that the next step overwrites."""
    return np.array(ops.convert_to_numpy(variable))


def reset_loss_scale(optimizer: Any) -> None:
    """Set the loss scale of an optimizer that scales the loss to that of a new one."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) and optimizer.built:
        optimizer.dynamic_scale.assign(optimizer.initial_scale)
        optimizer.step_counter.assign(0)


def read_loss_scale(optimizer: Any) -> dict[str, NDArray[Any]]:
    """Return the loss scale of an optimizer. Empty if it does not scale the loss or has made no step."""
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer) or not optimizer.built:
        return {}
    return {name: read_array(getattr(optimizer, name)) for name in _LOSS_SCALE}


def restore_loss_scale(optimizer: Any, variables: list[Any], state: Mapping[str, NDArray[Any]]) -> None:
    """Restore the loss scale of an optimizer that scales the loss."""
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer) or _LOSS_SCALE[0] not in state:
        return
    if not optimizer.built:
        optimizer.build(variables)
    for name in _LOSS_SCALE:
        getattr(optimizer, name).assign(state[name])


_LOSS_SCALE = ("dynamic_scale", "step_counter")


def _list_state_variables(optimizer: LayerwiseAdamW) -> list[Any]:
    # The schedule follows from the phase.
    known = (optimizer._iterations, *optimizer._schedule, *getattr(optimizer, "_accumulated_gradients", ()))
    forgotten = {id(variable) for variable in known}
    return [variable for variable in optimizer.variables if id(variable) not in forgotten]
