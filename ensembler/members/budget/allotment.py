"""What a fine-tuning is told of a time budget: when all has to be done, and what is still to come after it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .shares import Stretch


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
    phases: tuple[Stretch, ...]
    finish: float
    after_fixed: float = 0.0
    after: tuple[Stretch, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Allotment:
        """Read what JSON held."""
        stretches = {name: tuple(Stretch(**each) for each in told[name]) for name in ("phases", "after")}
        return cls(**{**told, **stretches})
