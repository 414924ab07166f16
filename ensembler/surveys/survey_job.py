"""Description and result of the job of a survey."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..inference.runtimes import RuntimeChoice
from ..inference.speeds import NetworkSpeed
from ..paths import CompetitionFolder
from .candidates import Candidate


@dataclass(frozen=True)
class SurveyJob:
    """Description of a survey for its job.

    Attributes
    ----------
    competition
        Folder of the competition.
    candidates
        Backbones, in the order in which they are evaluated.
    photos
        Number of labelled photos of each rung, the first ones in the survey's order.
    seed
        Seed of that order.
    top
        Minimum number of backbones that reach the last rung.
    until
        Time by which the job should end, in seconds since 1970. None sets no limit.
    memory
        Memory in bytes above which a process leaves the rest to a new one.
    runtime
        Runtime that computes features; see :mod:`ensembler.inference.runtimes`.
    cache_limit
        Maximum size of decoded photos on the disk in bytes. None allows half of the free space.
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


@dataclass(frozen=True)
class SurveyEntry:
    """Description of one backbone on one rung for a job.

    Attributes
    ----------
    survey
        The survey, with this backbone alone.
    photos
        Number of labelled photos of the rung.
    pixels
        Folder of the decoded photos of the rung, which all its jobs fill and share.
    sizes
        Heights and widths of the photos in it.
    """

    survey: SurveyJob
    photos: int
    pixels: str
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class EntryResult:
    """Size and speed of a backbone, None if not measured, and its problem, empty if there is none."""

    speed: NetworkSpeed | None
    problem: str = ""


@dataclass
class HalvingResult:
    """Results by the names of the backbones.

    ``photos`` is the number of photos of each one's last rung, ``stopped`` why it did not continue, ``failed`` why it
    was not evaluated at all, and ``speeds`` its size and speed. ``more`` is whether another process should continue.
    """

    photos: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    speeds: dict[str, NetworkSpeed] = field(default_factory=dict)
    more: bool = False

    def add_problem(self, name: str, reason: str) -> None:
        """Record that a backbone does not continue because of an error."""
        (self.stopped if name in self.photos else self.failed)[name] = reason


def locate_current_backbone(folder: CompetitionFolder) -> Path:
    """Return the file that names the current backbone. It remains if the process dies."""
    return folder.survey / "at-work"
