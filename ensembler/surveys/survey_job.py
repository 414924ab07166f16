"""What the job of a survey is told, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..inference.runtimes import RuntimeChoice
from ..inference.speeds import NetworkSpeed
from ..paths import CompetitionFolder
from .candidates import Candidate


@dataclass(frozen=True)
class SurveyJob:
    """Backbones to be compared.

    Attributes
    ----------
    competition
        Its folder.
    candidates
        Backbones, in the order in which they are looked at.
    photos
        How many labelled photos each rung has, the first ones in the survey's order.
    seed
        Of that order.
    top
        How many reach the last rung, at least.
    until
        Seconds since 1970 by which it should end; None for no such time.
    memory
        Bytes; a process that holds more leaves the rest to another one.
    runtime
        What computes features, see :mod:`ensembler.inference.runtimes`.
    cache_limit
        Bytes that decoded photos may take on the disk; None is half of what is free.
    """

    competition: str
    candidates: tuple[Candidate, ...]
    photos: tuple[int, ...]
    seed: int
    top: int
    until: float | None
    memory: float
    runtime: RuntimeChoice = "auto"
    cache_limit: int | None = None


@dataclass
class HalvingResult:
    """How far backbones came.

    Attributes
    ----------
    photos
        By name, on how many photos each was judged last.
    stopped
        By name, why it was not judged on more.
    failed
        By name, why it was not judged at all.
    speeds
        By name, the size and speed of each.
    more
        Whether another process is to go on.
    """

    photos: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    speeds: dict[str, NetworkSpeed] = field(default_factory=dict)
    more: bool = False

    def add_problem(self, name: str, reason: str) -> None:
        """Take note that a backbone goes no further since something is wrong."""
        (self.stopped if name in self.photos else self.failed)[name] = reason


def locate_current_backbone(folder: CompetitionFolder) -> Path:
    """Return the file that names the backbone which is being looked at; it is left where a process died over it."""
    return folder.survey / "at-work"
