"""What a fine-tuning is told of a time budget: when all has to be done, and what is still to come after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Allotment:
    """One network's place in a run that has to end in time.

    It holds no length of time for the network itself: whenever that is asked for, it follows from the time that is left
    and from all that is still to be done with it.

    Attributes
    ----------
    deadline
        When the whole run should be done, in seconds since 1970.
    grace
        Seconds beyond the deadline after which a network is no longer trained, wherever it stands.
    phases
        This network's.
    finish
        Seconds from its last epoch to its last file.
    after_fixed
        Seconds of all work that comes after it and cannot be cut: start-up, features, heads, predictions.
    after
        Epochs of the networks that come after it.
    """

    deadline: float
    grace: float
    phases: tuple[PhaseEpochs, ...]
    finish: float
    after_fixed: float = 0.0
    after: tuple[PhaseEpochs, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Allotment:
        """Read what JSON held."""
        epochs_by_field = {name: tuple(PhaseEpochs(**each) for each in data[name]) for name in ("phases", "after")}
        return cls(**{**data, **epochs_by_field})


# Halvings of the interval from 0 to 1: finer than any step of training.
_HALVINGS = 40


@dataclass(frozen=True)
class PhaseEpochs:
    """Epochs of one phase of one network, or of several that were asked for as many.

    Attributes
    ----------
    requested
        Epochs.
    seconds
        That one of them takes.
    compile_seconds
        Seconds that the first takes beyond, to compile.
    done
        Epochs behind it.
    """

    requested: int
    seconds: float
    compile_seconds: float = 0.0
    done: float = 0.0

    def count_epochs(self, share: float) -> float:
        """Epochs in all at a ``share`` of those asked for: at least one, and no fewer than are done."""
        return max(1.0, self.done, share * self.requested)

    def estimate_seconds_left(self, share: float) -> float:
        """Seconds still to go at a ``share`` of the epochs asked for."""
        return (self.count_epochs(share) - self.done) * self.seconds + (0.0 if self.done else self.compile_seconds)


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
    """Largest share of the epochs asked for that fits into ``seconds``; 0 where not even one epoch each does."""
    return find_largest_share(lambda share: sum(each.estimate_seconds_left(share) for each in phases) <= seconds) or 0.0
