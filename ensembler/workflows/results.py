"""What the workflows return."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..competition.duplicates import DuplicateCounts
from ..competition.manifest import Manifest
from ..competition.metrics.intervals import Difference
from ..competition.metrics.scores import Scores
from ..paths import CompetitionFolder
from ..stacking.evaluation import Evaluation
from ..submission.answer import AnswerScore


@dataclass(frozen=True)
class PreparedCompetition:
    """A competition that is ready to be trained on, with how many photos it has.

    ``duplicates`` counts training photos that show the same picture as another photo.
    """

    folder: CompetitionFolder
    manifest: Manifest
    training: int
    test: int
    unreadable: int
    duplicates: DuplicateCounts


@dataclass(frozen=True, kw_only=True)
class MemberResult(Scores):
    """A member with its out-of-fold figures.

    ``score`` is by the competition's ``metric``; log losses are in nats, accuracy is from 0 to 1.
    """

    name: str
    fold_log_losses: tuple[float, ...]
    seconds: float
    folder: Path


@dataclass(frozen=True, kw_only=True)
class StackResult(Scores):
    """A stack with its nested out-of-fold figures, beside its members' and their plain ``mean``'s.

    Attributes
    ----------
    asked, meta
        The meta-learner that was asked for, and that which it came to: they differ after a tournament.
    refit
        Whether the networks in it are those that learned from all photos; then the score is an estimate.
    temperature, clip
        Of the calibration.
    left_out
        Members that were offered, but did not come among the best.
    best
        The best single member that was offered.
    evaluation
        How sure the score is, and what else there is to compare it with.
    difference
        The largest between what ``model`` predicts from pixels and the stored predictions.
    """

    name: str
    asked: str
    meta: str
    refit: bool
    temperature: float
    clip: float
    mean: Scores
    members: tuple[MemberResult, ...]
    left_out: tuple[str, ...]
    best: str
    evaluation: Evaluation
    submission: Path
    model: Path
    difference: float

    @property
    def mean_log_loss(self) -> float:
        """Log loss of the members' plain mean."""
        return self.mean.log_loss

    @property
    def mean_accuracy(self) -> float:
        """Accuracy of the members' plain mean."""
        return self.mean.accuracy


@dataclass(frozen=True, kw_only=True)
class ScoreResult(AnswerScore):
    """A submission scored against hidden labels."""

    submission: Path


@dataclass(frozen=True)
class SubmitResult:
    """A CSV that was uploaded, or would be. ``ref`` is None after a dry run; scores are None until there are any."""

    submission: Path
    slug: str
    description: str
    ref: int | None
    status: str
    public: float | None
    private: float | None

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {**asdict(self), "submission": str(self.submission)}


def build_stack_fields(result: StackResult) -> dict[str, Any]:
    """Return everything as JSON can hold it: null where there is no number."""
    evaluation = result.evaluation
    losses_without = evaluation.losses_without or (None,) * len(result.members)
    correlations = [[replace_nan(float(one)) for one in row] for row in evaluation.correlations]
    return {
        "name": result.name,
        "meta": result.meta,
        "asked": result.asked,
        "refit": result.refit,
        **build_score_fields(result),
        "interval": [replace_nan(evaluation.interval.low), replace_nan(evaluation.interval.high)],
        "best": result.best,
        "gain": _build_difference_fields(evaluation.gain),
        "temperature": result.temperature,
        "clip": result.clip,
        "reliability": {
            "before": evaluation.before_calibration.to_json(),
            "after": evaluation.after_calibration.to_json(),
        },
        "mean": build_score_fields(result.mean),
        "meta_learners": {
            name: build_score_fields(figures) for name, figures in evaluation.meta_learner_figures.items()
        },
        "meta_learners_photos": evaluation.meta_learner_rows,
        "members": [
            {
                "name": member.name,
                **build_score_fields(member),
                "loss_without": _build_difference_fields(loss) if loss else None,
                "error_correlations": dict(zip((one.name for one in result.members), row, strict=True)),
            }
            for member, loss, row in zip(result.members, losses_without, correlations, strict=True)
        ],
        "left_out": list(result.left_out),
        "submission": str(result.submission),
        "model": str(result.model),
    }


def _build_difference_fields(difference: Difference) -> dict[str, Any]:
    return {
        "value": replace_nan(difference.value),
        "standard_error": replace_nan(difference.standard_error),
        "interval": [replace_nan(difference.interval.low), replace_nan(difference.interval.high)],
        "within_noise": difference.is_within_noise,
    }


def build_score_fields(scores: Scores | AnswerScore, prefix: str = "") -> dict[str, Any]:
    """Return the scores as JSON has them: null where there is no number.

    ``score`` is by the competition's ``metric``.
    """
    names = ("metric", "score", "standard_error", "log_loss", "log_loss_error", "accuracy")
    return {prefix + name: replace_nan(getattr(scores, name)) for name in names}


def replace_nan(value: str | float | None) -> str | float | None:
    """Return None for what is not a number, since JSON has no word for it."""
    return None if isinstance(value, float) and math.isnan(value) else value
