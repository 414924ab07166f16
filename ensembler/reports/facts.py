"""The facts of a report as plain data: each figure of the page is in one of these records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..checks.finding import Finding
from ..checks.result import Clue
from ..serialization import Exported


@dataclass(frozen=True)
class Gap:
    """What a section lacks, and the command that makes it. The command may be empty."""

    reason: str
    command: str = ""


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
class FoldCurve:
    """The epochs of one fold's training, in order.

    Attributes
    ----------
    phases
        Phase of each epoch.
    training, validation, held_out
        Training loss, log loss of the validation split, and log loss of the held-out photos, one value for each epoch.
        Unknown values are None.
    seconds
        Duration of each epoch.
    """

    fold: int
    phases: tuple[str, ...]
    training: tuple[float | None, ...]
    validation: tuple[float | None, ...]
    held_out: tuple[float | None, ...]
    seconds: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class MemberFacts:
    """A trained member.

    Attributes
    ----------
    state
        ``finished``, or what is missing.
    seconds_per_epoch
        Mean time of an epoch of fine-tuning. None for a frozen backbone, which has no epochs.
    milliseconds_per_photo, single
        Mean time of predictions of single photos, and their number.
    parameters, megabytes
        Size of one fold's network.
    without
        How much worse the stack is without the member, by the metric. None outside of the shown stack.
    without_interval
        95 % interval of that difference.
    errors_alike
        Mean correlation of its errors with those of the stack's other members.
    """

    name: str
    state: str
    is_finished: bool
    in_stack: bool
    frozen: bool
    log_loss: float | None
    log_loss_spread: float | None
    score: float | None
    standard_error: float | None
    accuracy: float | None
    fold_log_losses: tuple[float, ...]
    seconds: float
    seconds_per_epoch: float | None
    milliseconds_per_photo: float | None
    photos_per_second: float | None
    single: int | None
    device: str
    parameters: int | None
    megabytes: float | None
    settings: dict[str, str]
    without: float | None = None
    without_interval: tuple[float, float] | None = None
    errors_alike: float | None = None
    curves: tuple[FoldCurve, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MembersFacts:
    """The second section: members, and their roles in the shown stack."""

    members: tuple[MemberFacts, ...] = ()
    correlated: tuple[str, ...] = ()
    correlations: tuple[tuple[float | None, ...], ...] = ()
    meta_learners: dict[str, float] = field(default_factory=dict)
    gap: Gap | None = None
    stack_gap: Gap | None = None


@dataclass(frozen=True, kw_only=True)
class BinFacts:
    """Predictions of similar probability: their number, mean probability, and the share that was true."""

    count: int
    predicted: float
    happened: float


@dataclass(frozen=True, kw_only=True)
class ReliabilityFacts:
    """Agreement of probabilities with frequencies."""

    calibration_error: float
    bins: tuple[BinFacts, ...]


@dataclass(frozen=True, kw_only=True)
class ClassFacts:
    """Scores of one class.

    Attributes
    ----------
    photos
        Number of scored rows of the class.
    precision, recall, f1
        Scores of the predicted labels, from 0 to 1.
    log_loss
        Mean log loss of the class's rows; of a label's cells in a multilabel task.
    mistaken_for
        Class that is most often predicted instead. Empty without errors.
    auc
        Area under the ROC curve of the class against all others. None where it was not computed.
    """

    name: str
    photos: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None
    log_loss: float | None
    mistaken_for: str = ""
    auc: float | None = None


@dataclass(frozen=True, kw_only=True)
class ConfusedPair:
    """Photos of one class for which another was predicted, and their share of the class."""

    true: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True, kw_only=True)
class CurveFacts:
    """ROC and precision-recall curve of a class.

    Attributes
    ----------
    false_positive_rate, true_positive_rate
        Points of the ROC curve.
    precision, recall
        Points of the precision-recall curve.
    """

    name: str
    auc: float | None
    average_precision: float | None
    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class QualityFacts:
    """The third section: probabilities and labels of the shown stack or member, out of fold.

    Attributes
    ----------
    rows
        Number of scored rows.
    confusion
        Counts by true class (rows) and predicted class. Empty with more than 20 classes, and for several labels.
    pairs
        The most frequent confusions.
    pairs_total
        Number of different confused pairs.
    errors
        Number of rows with a wrong label.
    curve_rows
        Number of rows behind the curves.
    """

    rows: int = 0
    errors: int = 0
    before: ReliabilityFacts | None = None
    after: ReliabilityFacts | None = None
    temperature: float | None = None
    classes: tuple[ClassFacts, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    pairs: tuple[ConfusedPair, ...] = ()
    pairs_total: int = 0
    curves: tuple[CurveFacts, ...] = ()
    curve_rows: int = 0
    gap: Gap | None = None


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a member said about a photo: the probability of a class, and its most probable class with its own."""

    member: str
    probability: float
    choice: str
    choice_probability: float


@dataclass(frozen=True, kw_only=True)
class PhotoFacts:
    """A photo with its prediction.

    Attributes
    ----------
    id, path, rotation
        The photo; its path is relative to the competition's folder of photos. The rotation is in degrees
        counter-clockwise.
    label
        True label. Empty for a photo to predict.
    choice
        Most probable class, or the tags with a probability of 0.5 or more.
    probability
        Probability of the true label, or of ``choice`` for a photo to predict.
    loss
        Log loss. None for a photo to predict.
    uncertainty
        Entropy of the prediction, as a share of the largest possible.
    said
        What each member said of the same class.
    """

    id: str
    path: str
    rotation: int
    label: str
    choice: str
    probability: float
    loss: float | None
    uncertainty: float
    said: tuple[Said, ...] = ()
    looked_at: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PhotosFacts:
    """The fourth section: photos with the largest losses, and uncertain ones to predict."""

    largest: tuple[PhotoFacts, ...] = ()
    uncertain: tuple[PhotoFacts, ...] = ()
    total_loss_share: float | None = None
    explained: int = 0
    explanation_gap: str = ""
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
    versions
        Versions of this package, Python and libraries of this page's process.
    hashes
        Hashes of the archive, the tables, the folds, members and stacks by name.
    settings
        Settings of each member.
    times
        Training time and end of each member.
    """

    commands: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
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
