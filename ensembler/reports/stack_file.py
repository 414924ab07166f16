"""What ``stack.json`` contains beyond the record that other stages read. Early versions lack some of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..paths import CompetitionFolder
from ..serialization import read_record
from ..stacking.reliability import Bin, Reliability

# A value that is not a number is stored as null.
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class StoredDifference:
    """A difference of two scores, with its 95 % interval."""

    value: float | None
    interval: Bounds = (None, None)


@dataclass(frozen=True)
class StoredMember:
    """A member's part of a stack."""

    name: str
    fingerprint: str = ""
    loss_without: StoredDifference | None = None
    error_correlations: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredScore:
    """Score of a meta-learner."""

    score: float | None = None
    log_loss: float | None = None


@dataclass(frozen=True)
class StoredBins:
    """A reliability diagram."""

    bins: tuple[Bin, ...] = ()

    @property
    def reliability(self) -> Reliability:
        """The diagram as the stack computed it."""
        return Reliability(self.bins)


@dataclass(frozen=True)
class StackFile:
    """The fields of ``stack.json`` that the report shows.

    Attributes
    ----------
    reliability
        Diagrams ``before`` and ``after`` calibration.
    meta_learners
        Scores of all meta-learners by name.
    submission
        Path of the CSV.
    asked, seed, top, infer_limit, left_out
        Requested meta-learner, its seed, wanted number of members, limit of their time in seconds, and candidates that
        were not chosen. Empty or None in stacks of early versions.
    versions
        Versions of Python and of packages in the process that fitted it.
    corrected
        Scores without the photos that the members exclude, and by their new labels. None without corrections.
    """

    name: str
    members: tuple[StoredMember, ...]
    log_loss: float
    metric: str = "log loss"
    score: float | None = None
    standard_error: float | None = None
    accuracy: float | None = None
    interval: Bounds | None = None
    gain: StoredDifference | None = None
    best: str = ""
    meta: str = ""
    asked: str = ""
    refit: bool = False
    seed: int | None = None
    top: int | None = None
    infer_limit: float | None = None
    left_out: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    temperature: float | None = None
    reliability: dict[str, StoredBins] = field(default_factory=dict)
    meta_learners: dict[str, StoredScore] = field(default_factory=dict)
    submission: str = ""
    folds: str = ""
    samples: str = ""
    sha256: str = ""
    corrected: StoredScore | None = None

    @property
    def known_score(self) -> tuple[str, float]:
        """The metric and its score, or log loss if the metric is undefined."""
        return ("log loss", self.log_loss) if self.score is None else (self.metric, self.score)

    @property
    def known_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of that score. None where it could not be computed."""
        return read_bounds(self.interval) if self.score is not None else None


def read_bounds(bounds: Bounds | None) -> tuple[float, float] | None:
    """Return both bounds of an interval, or None if one is unknown."""
    if bounds is None or bounds[0] is None or bounds[1] is None:
        return None
    return bounds[0], bounds[1]


def load_stack_file(folder: CompetitionFolder, name: str) -> StackFile:
    """Read ``stack.json`` of a finished stack.

    Raises
    ------
    BadData
        If the file is damaged.
    """
    return read_record(folder.stack(name) / "stack.json", StackFile, "build the stack again with `ensembler stack`.")
