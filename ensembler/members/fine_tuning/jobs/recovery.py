"""What is done when an epoch fails: smaller batches for want of memory, float32 when the loss is NaN."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ....errors import BadChoice
from ....progress import Progress
from .devices import Devices
from .learner import Learner


def is_out_of_memory(error: Exception) -> bool:
    """Whether a step failed for want of the device's memory, in the words of TensorFlow, XLA or PyTorch."""
    if type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError"):
        return True
    words = str(error)
    return "RESOURCE_EXHAUSTED" in words or "out of memory" in words.lower()


@dataclass(frozen=True)
class Recovery:
    """Repeats an epoch that failed, in a way in which it does not fail again.

    Attributes
    ----------
    name
        The member and fold, as messages call them.
    learner
        The network under training; its batches, precision and learning rate are changed.
    """

    name: str
    learner: Learner
    devices: Devices
    progress: Progress

    def run(self, fit: Callable[[], float], rewind: Callable[[], None], phase: int, *, epoch: int) -> float:
        """Do an epoch until it succeeds.

        Parameters
        ----------
        fit
            Does the steps of the epoch, and returns its mean loss.
        rewind
            Goes back to where the epoch began.
        phase
            Number of the phase, from 0.
        epoch
            Number of the epoch over all phases, from 1.

        Returns
        -------
        float
            The mean loss.

        Raises
        ------
        BadChoice
            If nothing is left to be tried.
        """
        while True:
            try:
                loss = fit()
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                self._halve_batch(phase, error)
            else:
                if math.isfinite(loss) and self.learner.has_finite_weights():
                    return loss
                self._fall_back_to_fp32(phase, epoch)
            rewind()

    def _halve_batch(self, phase: int, error: Exception) -> None:
        """Take each batch in parts, so that memory suffices and the updates stay the same."""
        learner, accumulation_steps = self.learner, 2 * self.learner.accumulation_steps
        settings = learner.settings
        what = (
            f"{self.name}: {settings.batch_size // learner.accumulation_steps} photos of "
            f"{settings.image_size} pixels do not"
        )
        if self.devices.is_distributed:
            # Keras adds up gradients under a condition, which tf.distribute cannot cross.
            raise BadChoice(f"{what} fit into the memory of {self.devices.count} devices: use a smaller --batch-size.")
        if settings.batch_size % accumulation_steps:
            raise BadChoice(f"{what} fit into memory: use a smaller --image-size or another backbone.") from error
        learner.accumulation_steps = accumulation_steps
        self.progress.warn(
            f"{self.name}: out of memory; batches of {settings.batch_size} photos are now taken in "
            f"{accumulation_steps} parts, with gradients added up and the learning rate as before."
        )
        learner.compile(phase)

    def _fall_back_to_fp32(self, phase: int, epoch: int) -> None:
        """Go on in float32 with half the learning rate."""
        if self.learner.fp32_fallback:
            raise BadChoice(
                f"{self.name}: the loss is no number, in float32 and at half the learning rate too: try a lower "
                "--learning-rate, or look at the photos by --show-augmented."
            )
        self.progress.warn(
            f"{self.name}: the loss became no number in epoch {epoch}; back to the epoch before, in "
            "float32 and with half the learning rate."
        )
        self.learner.fall_back_to_fp32(phase)
