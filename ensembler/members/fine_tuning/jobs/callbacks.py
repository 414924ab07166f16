"""What is told and looked at while Keras goes through the steps of an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras

from ....progress import Task
from ..epoch_budget import EpochBudget

# The loss is looked at once in so many steps: each look waits for the device.
CHECK_EVERY_STEPS = 10


class StopAtNaN(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Ends an epoch soon after the loss has become no number."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the mean loss so far, which stays no number once it is none."""
        if batch % CHECK_EVERY_STEPS == 0 and not math.isfinite(float(logs["loss"])):
            self.model.stop_training = True


class StepProgress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Tells each update, made of so many batches as there are ``accumulation_steps``."""

    def __init__(self, task: Task, accumulation_steps: int) -> None:
        super().__init__()
        self.task = task
        self.accumulation_steps = accumulation_steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tell an update once all its parts are done."""
        del logs
        if (batch + 1) % self.accumulation_steps == 0:
            self.task.advance()


class BetweenSteps(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Lets something be done between two updates of an epoch; after the last one it is for the epoch to do.

    Parameters
    ----------
    action
        Takes the updates done so far and a function that gives the sum of their losses, which waits for the device.
    accumulation_steps
        Batches that make up an update.
    updates
        Of the epoch, or of what is left of it.
    """

    def __init__(
        self, action: Callable[[int, Callable[[], float]], None], accumulation_steps: int, updates: int
    ) -> None:
        super().__init__()
        self.action = action
        self.accumulation_steps = accumulation_steps
        self.updates = updates

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Do it once all parts of an update are done."""
        done, rest = divmod(batch + 1, self.accumulation_steps)
        if not rest and done < self.updates:
            self.action(done, lambda: float(logs["loss"]) * done)


class StopInTime(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Ends an epoch within it once there is no more time, after a whole update.

    Parameters
    ----------
    accumulation_steps
        Batches that make up an update.
    first
        Updates of the epoch that were done before.
    """

    def __init__(self, budget: EpochBudget, accumulation_steps: int, first: int = 0) -> None:
        super().__init__()
        self.budget = budget
        self.accumulation_steps = accumulation_steps
        self.first = first

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the clock once all parts of an update are done."""
        del logs
        done, rest = divmod(batch + 1, self.accumulation_steps)
        if not rest and self.budget.is_late():
            self.budget.stop(self.first + done)
            self.model.stop_training = True
