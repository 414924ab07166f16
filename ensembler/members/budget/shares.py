"""How many of the epochs asked for fit into a stretch of time: the same share of them for all phases and networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Halvings of the interval from 0 to 1: finer than any step of training.
_HALVINGS = 40


@dataclass(frozen=True)
class Stretch:
    """Epochs of one phase of one network, or of several that were asked for as many.

    Attributes
    ----------
    asked
        Epochs.
    seconds
        That one of them takes.
    first
        Seconds that the first takes beyond, to compile.
    done
        Epochs behind it.
    """

    asked: int
    seconds: float
    first: float = 0.0
    done: float = 0.0

    def epochs(self, share: float) -> float:
        """Epochs in all at a ``share`` of those asked for: at least one, and no fewer than are done."""
        return max(1.0, self.done, share * self.asked)

    def left(self, share: float) -> float:
        """Seconds still to go at a ``share`` of the epochs asked for."""
        return (self.epochs(share) - self.done) * self.seconds + (0.0 if self.done else self.first)


def largest_share(fits: Callable[[float], bool]) -> float | None:
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


def share_within(seconds: float, stretches: Sequence[Stretch]) -> float:
    """Largest share of the epochs asked for that fits into ``seconds``; 0 where not even one epoch each does."""
    return largest_share(lambda share: sum(each.left(share) for each in stretches) <= seconds) or 0.0
