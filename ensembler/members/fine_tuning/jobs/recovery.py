"""Recovery of a failed epoch: smaller batches when memory runs out, float32 when the loss is not finite."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ....errors import BadChoice
from ....progress import Progress
from .devices import Devices
from .learner import Learner


def is_out_of_memory(error: Exception) -> bool:
    """Return whether the device ran out of memory, as reported by TensorFlow, XLA or PyTorch."""
    if type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError"):
        return True
    words = str(error)
    return "RESOURCE_EXHAUSTED" in words or "out of memory" in words.lower()


@dataclass(frozen=True)
class Recovery:
    """Repeat a failed epoch with settings that avoid the failure.

    Attributes
    ----------
    name
        Member and fold in words, for messages.
    learner
        Network under training, whose batches, precision and learning rate are changed.
    """

    name: str
    learner: Learner
    devices: Devices
    progress: Progress

    def run(
        self,
        fit: Callable[[], float],
        rewind: Callable[[], None],
        phase: int,
        *,
        epoch: int,
        restore_weights: Callable[[], None],
    ) -> float:
        """Train an epoch until it succeeds.

        Parameters
        ----------
        fit
            Function that trains the steps of the epoch and returns its mean loss.
        rewind
            Function that restores the beginning of the epoch.
        phase
            Number of the phase, counted from 0.
        epoch
            Number of the epoch over all phases, counted from 1.
        restore_weights
            Function that restores the network of the beginning of the epoch, without its optimizer.

        Returns
        -------
        float
            Mean loss of the epoch.

        Raises
        ------
        BadChoice
            If no remedy is left.
        """
        while True:
            try:
                loss = fit()
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                # A failed step of JAX takes the weights with it.
                restore_weights()
                self._halve_batch(phase, error)
            else:
                if math.isfinite(loss) and self.learner.has_finite_weights():
                    return loss
                self._fall_back_to_fp32(phase, epoch)
            rewind()

    def _halve_batch(self, phase: int, error: Exception) -> None:
        """Split each batch into smaller parts. The updates stay the same."""
        learner, accumulation_steps = self.learner, 2 * self.learner.accumulation_steps
        settings = learner.settings
        what = (
            f"{self.name}: {settings.batch_size // learner.accumulation_steps} photos of "
            f"{settings.image_size} pixels do not"
        )
        if self.devices.is_distributed:
            # Keras accumulates gradients in a conditional, which tf.distribute does not support.
            raise BadChoice(f"{what} fit into the memory of {self.devices.count} devices: use a smaller --batch-size.")
        if settings.batch_size % accumulation_steps:
            raise BadChoice(f"{what} fit into memory: use a smaller --image-size or another backbone.") from error
        self.progress.warn(
            f"{self.name}: out of memory. Batches of {settings.batch_size} photos are now split into "
            f"{accumulation_steps} parts whose gradients are accumulated. The learning rate is unchanged."
        )
        learner.split_batches(phase)

    def _fall_back_to_fp32(self, phase: int, epoch: int) -> None:
        """Continue in float32 with half the learning rate."""
        if self.learner.fp32_fallback:
            raise BadChoice(
                f"{self.name}: the loss is not finite, even in float32 with half the learning rate: choose a lower "
                "--learning-rate, or inspect the photos with --show-augmented."
            )
        self.progress.warn(
            f"{self.name}: the loss became NaN or infinite in epoch {epoch}. The epoch is repeated in float32 with "
            "half the learning rate."
        )
        self.learner.fall_back_to_fp32(phase)
