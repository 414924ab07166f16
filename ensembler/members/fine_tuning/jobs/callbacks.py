"""Keras callbacks that report progress, save checkpoints and stop an epoch early."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras

from ....progress import Task
from ..epoch_budget import EpochBudget

# Steps between two checks of the loss. Each check waits for the device.
CHECK_EVERY_STEPS = 10


class StopAtNaN(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Stop an epoch soon after the loss becomes NaN or infinite."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Check the mean loss so far, which stays non-finite once it is."""
        if batch % CHECK_EVERY_STEPS == 0 and not math.isfinite(float(logs["loss"])):
            self.model.stop_training = True


class StepProgress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Advance a progress task by one per update of ``accumulation_steps`` batches."""

    def __init__(self, task: Task, accumulation_steps: int) -> None:
        super().__init__()
        self.task = task
        self.accumulation_steps = accumulation_steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Advance the task once all parts of an update are done."""
        del logs
        if (batch + 1) % self.accumulation_steps == 0:
            self.task.advance()


class BetweenSteps(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Call a function between two updates of an epoch, not after the last one.

    Parameters
    ----------
    action
        Function that accepts the number of updates done, and a function that returns the sum of their losses and waits
        for the device.
    accumulation_steps
        Batches per update.
    updates
        Updates that are left in the epoch.
    """

    def __init__(
        self, action: Callable[[int, Callable[[], float]], None], accumulation_steps: int, updates: int
    ) -> None:
        super().__init__()
        self.action = action
        self.accumulation_steps = accumulation_steps
        self.updates = updates

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Call the function once all parts of an update are done."""
        done, rest = divmod(batch + 1, self.accumulation_steps)
        if not rest and done < self.updates:
            self.action(done, lambda: float(logs["loss"]) * done)


class StopInTime(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Stop an epoch after a complete update once the time budget is used up.

    Parameters
    ----------
    accumulation_steps
        Batches per update.
    first
        Updates of the epoch that an earlier process did.
    """

    def __init__(self, budget: EpochBudget, accumulation_steps: int, first: int = 0) -> None:
        super().__init__()
        self.budget = budget
        self.accumulation_steps = accumulation_steps
        self.first = first

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Check the clock once all parts of an update are done."""
        del logs
        done, rest = divmod(batch + 1, self.accumulation_steps)
        if not rest and self.budget.is_late():
            self.budget.stop(self.first + done)
            self.model.stop_training = True
