"""What one fine-tuning knows of a time budget: when it has to be done, and what its epochs take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Halvings of the interval from 0 to 1: finer than any step of training.
_HALVINGS = 40


@dataclass(frozen=True)
class PhaseEpochs:
    """Epochs of one phase of one network.

    Attributes
    ----------
    requested
        Number of epochs that were asked for.
    seconds
        Time of one epoch.
    compile_seconds
        Time that the first epoch takes in addition, to compile.
    done
        Number of finished epochs.
    """

    requested: int
    seconds: float
    compile_seconds: float = 0.0
    done: float = 0.0

    def count_epochs(self, share: float) -> float:
        """Count all epochs at a ``share`` of those asked for: at least one, and no fewer than are done."""
        return max(1.0, self.done, share * self.requested)

    def estimate_seconds_left(self, share: float) -> float:
        """Estimate the time that remains at a ``share`` of the epochs asked for."""
        return (self.count_epochs(share) - self.done) * self.seconds + (0.0 if self.done else self.compile_seconds)


@dataclass(frozen=True)
class Allotment:
    """One network's place in a run that has to end in time.

    Attributes
    ----------
    until
        Time by which its last file should be written, in seconds since 1970.
    grace
        Seconds after ``until`` at which training stops, whatever its state.
    phases
        Epochs of each phase.
    finish
        Seconds from the last epoch to the last file.
    """

    until: float
    grace: float
    phases: tuple[PhaseEpochs, ...]
    finish: float


def find_largest_share(fits: Callable[[float], bool]) -> float | None:
    """Find the largest share from 0 to 1 that fits; None if even 0 does not."""
    if fits(1.0):
        return 1.0
    if not fits(0.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def find_share_within(seconds: float, phases: Sequence[PhaseEpochs]) -> float:
    """Find the largest share of the epochs that fits into ``seconds``; 0 where not even one epoch each does."""
    return find_largest_share(lambda share: sum(each.estimate_seconds_left(share) for each in phases) <= seconds) or 0.0
