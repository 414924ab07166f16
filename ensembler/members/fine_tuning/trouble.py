"""What can go wrong in a training step, told apart: too little memory, and losses that are no numbers."""

from __future__ import annotations

import math
from typing import Any

import keras

# The loss is looked at once in so many steps: each look waits for the device.
EVERY = 10


def is_out_of_memory(error: Exception) -> bool:
    """Whether a step failed for want of the device's memory, in the words of TensorFlow, XLA or PyTorch."""
    if type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError"):
        return True
    words = str(error)
    return "RESOURCE_EXHAUSTED" in words or "out of memory" in words.lower()


class StopAtNaN(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Ends an epoch soon after the loss has become no number."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the mean loss so far, which stays no number once it is none."""
        if batch % EVERY == 0 and not math.isfinite(float(logs["loss"])):
            self.model.stop_training = True
