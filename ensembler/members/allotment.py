"""A fine-tuning's share of a time budget: its deadline, and the estimated seconds of its epochs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Number of bisections. The result is more precise than one training step.
_HALVINGS = 40


@dataclass(frozen=True)
class PhaseEpochs:
    """Epochs of one phase of one network.

    Attributes
    ----------
    requested
        Number of requested epochs.
    seconds
        Time of one epoch.
    compile_seconds
        Additional time of the first epoch, which compiles.
    done
        Number of finished epochs.
    """

    requested: int
    seconds: float
    compile_seconds: float = 0.0
    done: float = 0.0

    def count_epochs(self, share: float) -> float:
        """Count all epochs at a ``share`` of the requested ones: at least one, and no fewer than are done."""
        return max(1.0, self.done, share * self.requested)

    def estimate_seconds_left(self, share: float) -> float:
        """Estimate the remaining time at a ``share`` of the requested epochs."""
        return (self.count_epochs(share) - self.done) * self.seconds + (0.0 if self.done else self.compile_seconds)


@dataclass(frozen=True)
class Allotment:
    """Time that one network receives from the budget.

    Attributes
    ----------
    until
        Time by which its last file should be written, in seconds since 1970.
    grace
        Seconds after ``until`` at which training stops in any case.
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
    """Find the largest share from 0 to 1 that fits. Return None if 0 does not fit."""
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
    """Find the largest share of the epochs that fits into ``seconds``. 0 means one epoch per phase at least."""
    return find_largest_share(lambda share: sum(each.estimate_seconds_left(share) for each in phases) <= seconds) or 0.0
