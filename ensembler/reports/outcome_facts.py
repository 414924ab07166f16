"""Facts about predictions: their reliability, errors by class, and single photos."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .gap import Gap


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
        Each member's probability of the same class.
    looked_at
        Figures of the map of what the networks look at. Empty where it was not computed.
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
