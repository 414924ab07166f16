"""The facts of a report as plain data: each figure of the page is in one of these records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..checks.finding import Finding
from ..checks.result import Clue
from ..serialization import Exported
from .gap import Gap
from .member_facts import MembersFacts
from .outcome_facts import PhotosFacts, QualityFacts


@dataclass(frozen=True, kw_only=True)
class StackFacts:
    """A finished stack in the ranking.

    Attributes
    ----------
    rank
        Place among the stacks whose scores can be compared, from 1. None for the others.
    metric, score, standard_error, interval, log_loss, accuracy
        Score of nested folds, its standard error and 95 % interval, log loss and accuracy.
    behind
        Difference to the first in the ranking by the metric; positive is worse.
    meta, members
        Meta-learner and names of the members.
    built
        Time of the build in UTC.
    stale
        Inputs that changed since the build, or empty.
    hidden_score
        Score on hidden labels, where they are known.
    """

    name: str
    rank: int | None
    metric: str
    score: float
    standard_error: float | None
    interval: tuple[float, float] | None
    log_loss: float
    accuracy: float | None
    behind: float | None
    meta: str
    members: tuple[str, ...]
    built: str
    stale: str
    refit: bool
    hidden_score: float | None = None


@dataclass(frozen=True, kw_only=True)
class SubmissionFacts:
    """A file to submit and what became of it, as the ledger knows it."""

    file: str
    stack: str
    made: str
    metric: str
    own: float | None
    own_error: float | None
    public: float | None
    private: float | None
    status: str


@dataclass(frozen=True, kw_only=True)
class AnswerFacts:
    """The first section: the best stack, the ranking, and the next step.

    Attributes
    ----------
    shown
        Name of the stack or member whose predictions the page explains. Empty if there is none.
    kind
        ``stack``, ``member`` or empty.
    gain, gain_interval, best_member
        Gain of the stack over its best member, its 95 % interval, and that member.
    corrected_score
        Score of the stack or member without the photos that it excludes, and by its new labels. None without
        corrections. All other scores are by the original labels of all photos.
    members_count
        Number of finished members.
    """

    shown: str = ""
    kind: str = ""
    metric: str
    larger_is_better: bool
    score: float | None = None
    standard_error: float | None = None
    interval: tuple[float, float] | None = None
    log_loss: float | None = None
    accuracy: float | None = None
    gain: float | None = None
    gain_interval: tuple[float, float] | None = None
    best_member: str = ""
    refit: bool = False
    corrected_score: float | None = None
    hidden_metric: str = ""
    hidden_score: float | None = None
    hidden_error: float | None = None
    members_count: int = 0
    training_photos: int | None = None
    test_photos: int | None = None
    next_command: str = ""
    next_reason: str = ""
    stacks: tuple[StackFacts, ...] = ()
    submissions: tuple[SubmissionFacts, ...] = ()
    gap: Gap | None = None


@dataclass(frozen=True, kw_only=True)
class ClassCount:
    """Number of training photos of a class."""

    name: str
    photos: int
    share: float


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """The fifth section: photos, classes, sizes, duplicates and doubts.

    Attributes
    ----------
    widths, heights
        Sizes of measured photos in pixels.
    measured
        Number of photos whose size was read.
    duplicates
        Numbers of training photos like others, of photos to predict like training photos, and of clashing pairs.
    findings, clues, left_out
        Kinds of doubts of the last check, properties that may tell the label or the set, and what was not checked.
    checked
        Time of that check in UTC. Empty if there was none.
    is_check_current
        Whether the photos and labels are still those of the check.
    doubts
        Number of doubts in its file.
    """

    training: int | None = None
    test: int | None = None
    unreadable: int | None = None
    task: str = ""
    folds: int = 0
    repeats: int = 1
    groups: int = 0
    classes: tuple[ClassCount, ...] = ()
    widths: tuple[int, ...] = ()
    heights: tuple[int, ...] = ()
    measured: int = 0
    duplicates: dict[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    clues: tuple[Clue, ...] = ()
    left_out: tuple[str, ...] = ()
    checked: str = ""
    is_check_current: bool = True
    doubts: int = 0
    gap: Gap | None = None
    check_gap: Gap | None = None


@dataclass(frozen=True, kw_only=True)
class RepeatFacts:
    """The last section: what is needed to repeat the work.

    Attributes
    ----------
    commands
        Command lines, in order.
    notes
        Sentences about what the commands do not repeat.
    versions
        Versions of this package, Python and libraries of this page's process.
    trained_with, stacked_with
        Versions in the processes that trained each member and fitted each stack, as far as they are stored.
    hashes
        Hashes of the archive, the tables, the folds, members and stacks by name.
    settings
        Settings of each member.
    times
        Training time and end of each member.
    """

    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    trained_with: dict[str, dict[str, str]] = field(default_factory=dict)
    stacked_with: dict[str, dict[str, str]] = field(default_factory=dict)
    machine: str = ""
    hashes: dict[str, str] = field(default_factory=dict)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    times: dict[str, dict[str, Any]] = field(default_factory=dict)
    manifest: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportFacts(Exported):
    """Everything that the page tells.

    Attributes
    ----------
    made
        Time of the report in UTC.
    troubles
        Sentences about records that could not be used.
    """

    name: str
    slug: str
    task: str
    made: str
    version: str
    troubles: tuple[str, ...]
    answer: AnswerFacts
    members: MembersFacts
    quality: QualityFacts
    photos: PhotosFacts
    data: DataFacts
    repeat: RepeatFacts
