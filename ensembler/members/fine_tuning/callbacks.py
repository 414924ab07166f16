"""What is told and looked at while Keras goes through the steps of an epoch."""

from __future__ import annotations

import math
from typing import Any

import keras

from ...progress import Task
from .pace import Pace

# The loss is looked at once in so many steps: each look waits for the device.
EVERY = 10


class StopAtNaN(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Ends an epoch soon after the loss has become no number."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the mean loss so far, which stays no number once it is none."""
        if batch % EVERY == 0 and not math.isfinite(float(logs["loss"])):
            self.model.stop_training = True


class Steps(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Tells each update, made of so many batches as there are ``parts``."""

    def __init__(self, task: Task, parts: int) -> None:
        super().__init__()
        self.task = task
        self.parts = parts

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tell an update once all its parts are done."""
        del logs
        if (batch + 1) % self.parts == 0:
            self.task.advance()


class StopInTime(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Ends an epoch within it once there is no more time, after a whole update of so many ``parts``."""

    def __init__(self, pace: Pace, parts: int) -> None:
        super().__init__()
        self.pace = pace
        self.parts = parts

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the clock."""
        del logs
        if (batch + 1) % self.parts == 0 and self.pace.is_late():
            self.pace.stop((batch + 1) // self.parts)
            self.model.stop_training = True
