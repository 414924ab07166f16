"""Results of the workflows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callers import address_caller
from ..competition.duplicates import DuplicateCounts
from ..competition.manifest import Manifest
from ..competition.metrics.score_columns import CORRECTED_NOTE, build_corrected_columns, build_score_columns
from ..competition.metrics.scores import Scores
from ..competition.sets.accounting import FileCount
from ..figures import format_score, format_signed
from ..options.corrections import LabelCorrections
from ..paths import CompetitionFolder
from ..serialization import Exported, convert_to_plain
from ..submission.answer import AnswerScore
from ..tables import Shown, Table

if TYPE_CHECKING:
    # Its import takes a second, and most results need none.
    from ..stacking.evaluation import Evaluation


@dataclass(frozen=True, repr=False)
class PreparedCompetition(Shown):
    """A competition that is ready for training.

    Attributes
    ----------
    training, test, unreadable
        Numbers of photos.
    duplicates
        Numbers of training photos that show the same picture as another photo.
    files
        Numbers of all files below the folder of the photos, by use.
    example
        A photo with its label, such as ``train/cat.1.jpg is cat``.
    """

    folder: CompetitionFolder
    manifest: Manifest
    training: int
    test: int
    unreadable: int
    duplicates: DuplicateCounts
    files: tuple[FileCount, ...] = ()
    example: str = ""

    def build_table(self) -> Table:
        """Return the facts that were derived from the competition's files."""
        return Table([self.manifest.name, ""], list(self._list_facts()), [""])

    def _list_facts(self) -> Iterator[tuple[str, str]]:
        manifest = self.manifest
        train, answer = manifest.train, manifest.answer
        sources = {
            "names": "file names",
            "folders": "folder names",
            "csv": train.file,
            "rotations": "four rotations of each photo",
        }
        left = f", {self.unreadable} unreadable (see {self.folder.unreadable})" if self.unreadable else ""
        yield "task", manifest.describe()
        example = f" ({self.example})" if self.example else ""
        yield "labels", f"from {sources[train.labels]} in {', '.join(train.folders)}{example}"
        yield "answer", f"{answer.id_column} + {', '.join(answer.columns[:6])}: {answer.kind}, as in {answer.sample}"
        yield "photos", f"{self.training} to train on, {self.test} to predict{left}"
        if copies := self.duplicates.describe():
            yield "copies", f"{copies} (see {self.folder.duplicates})"
        yield "metric", manifest.metric
        if pixels := manifest.pixels.describe():
            yield "pixels", pixels
        if train.groups:
            yield "groups", f"{train.describe_groups()}; folds never split a group"
        if manifest.code_only:
            yield "submit", "only from a notebook"
        if self.files:
            total = sum(found.count for found in self.files)
            yield "files", f"{total} in {self.folder.root / manifest.photos} (listed in {self.folder.files})"
        for found in self.files:
            yield f"  {found.use}", found.describe()
        yield "manifest", f"{self.folder.manifest} (edit it if anything is wrong)"


@dataclass(frozen=True, kw_only=True)
class MemberResult(Scores, Exported):
    """A member with its out-of-fold scores.

    ``score`` is the competition's ``metric``. Log losses are in nats, and accuracy is from 0 to 1. All are by the
    original labels of all photos. ``corrected`` leaves out the photos that ``corrections`` exclude, and uses their new
    labels; both are None without corrections.
    """

    name: str
    fold_log_losses: tuple[float, ...]
    seconds: float
    folder: Path
    corrected: Scores | None = None
    corrections: LabelCorrections | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain data for JSON; the log losses of the folds are ``folds``."""
        fields = super().to_json()
        fields["folds"] = fields.pop("fold_log_losses")
        return fields


def collect_figures(result: MemberResult | StackResult) -> dict[str, float]:
    """Return the scores by name, those by corrected labels as ``corrected_score`` and so on."""
    by_prefix = {"": result, "corrected_": result.corrected}
    names = [field.name for field in fields(Scores) if field.name != "metric"]
    return {
        f"{prefix}{name}": float(getattr(scores, name))
        for prefix, scores in by_prefix.items()
        if scores
        for name in names
    }


@dataclass(frozen=True, kw_only=True, repr=False)
class StackResult(Shown, Scores):
    """A stack with its nested out-of-fold scores.

    Attributes
    ----------
    asked, meta
        Name of the requested meta-learner and of the fitted one. They differ after a tournament.
    refit
        Whether its networks are those that learned from all photos. Its score is then an estimate.
    seed
        Seed of the meta-learner.
    top, infer_limit
        Wanted number of members, and limit of their time for a photo in seconds. None sets no limit.
    temperature, clip
        Parameters of the calibration.
    mean
        Scores of the members' plain mean.
    left_out
        Names of the candidates that were not chosen as members.
    best
        Name of the best single candidate.
    evaluation
        Interval of the score and comparisons with members and other meta-learners.
    submission, model
        Paths of the CSV and of ``stack.keras``.
    difference
        Largest difference between predictions of ``model`` from pixels and the stored predictions.
    corrected, corrections
        Scores after the corrections of all members together, and their numbers. None without corrections. The other
        scores are by the original labels of all photos.
    """

    name: str
    asked: str
    meta: str
    refit: bool
    seed: int
    top: int | None
    infer_limit: float | None
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
    corrected: Scores | None = None
    corrections: LabelCorrections | None = None

    @property
    def mean_log_loss(self) -> float:
        """Log loss of the members' plain mean."""
        return self.mean.log_loss

    @property
    def mean_accuracy(self) -> float:
        """Accuracy of the members' plain mean."""
        return self.mean.accuracy

    def build_table(self) -> Table:
        """Return rows for the members, for other meta-learners, and for the stack.

        "without it" is how much worse the stack is without the member. "errors alike" is the mean correlation of the
        member's errors with those of the other members.
        """
        evaluation = self.evaluation
        several = len(self.members) > 1
        lines: list[tuple[str, Scores, Scores | None, str, str]] = []
        for number, member in enumerate(self.members):
            without = format_signed(evaluation.losses_without[number].value) if evaluation.losses_without else ""
            others = np.delete(evaluation.correlations[number], number)
            alike = f"{others.mean():.2f}" if several else ""
            lines.append((member.name, member, member.corrected, without, alike))
        lines += [(f"  {name}", figures, None, "", "") for name, figures in evaluation.meta_learner_figures.items()]
        lines.append((f"stack ({self.meta})", self, self.corrected, "", ""))
        columns, cells = build_score_columns([figures for _, figures, *_ in lines])
        corrected, corrected_cells = build_corrected_columns([after for _, _, after, _, _ in lines])
        extra = ["without it", "errors alike"] if several else []
        rows = [
            [name, *scores, *after, *([without, alike] if several else [])]
            for (name, _, _, without, alike), scores, after in zip(lines, cells, corrected_cells, strict=True)
        ]
        return Table(["member", *columns, *corrected, *extra], rows, notes=self.describe())

    def describe(self) -> list[str]:
        """Return sentences about the interval of the score, choices, the calibration, and files."""
        evaluation = self.evaluation
        lines = [
            f"{self.metric} {self.score:.4f}, 95 % interval {evaluation.interval.low:.4f} to "
            f"{evaluation.interval.high:.4f}, by "
            "nested folds: no row was predicted by a model that was fitted or chosen on it",
            _describe_gain(self),
        ]
        if self.corrected:
            lines.append(CORRECTED_NOTE)
        if self.refit:
            lines.append(
                "an estimate: these are scores of the folds' networks. The networks in the stack learned from all "
                "photos, so no labelled photo is left to score them."
            )
        if self.asked != self.meta:
            lines.append(f"{self.meta} is the simplest meta-learner within one standard error of the best")
        if self.left_out:
            lines.append(f"left out       {', '.join(self.left_out)}")
        lines.append(
            f"calibration    temperature {self.temperature:.2f}, clipped at {self.clip:g}; calibration error "
            f"{evaluation.before_calibration.calibration_error:.4f} before, "
            f"{evaluation.after_calibration.calibration_error:.4f} after"
        )
        if evaluation.meta_learner_rows and evaluation.meta_learner_rows < sum(
            part.count for part in evaluation.after_calibration.bins
        ):
            lines.append(f"Meta-learners were compared on {evaluation.meta_learner_rows} photos.")
        return [
            *lines,
            f"submission     {self.submission}",
            f"model          {self.model} (repeats the stored predictions to {self.difference:.1g})",
            *(f"member         {member.folder}" for member in self.members),
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the fields, and those of the evaluation, as plain data for JSON."""
        evaluation = self.evaluation
        losses_without = evaluation.losses_without or (None,) * len(self.members)
        names = [member.name for member in self.members]
        members = [
            {
                **_list_fields_except(member, "fold_log_losses", "seconds", "folder"),
                "loss_without": loss,
                "error_correlations": dict(zip(names, row, strict=True)),
            }
            for member, loss, row in zip(self.members, losses_without, evaluation.correlations, strict=True)
        ]
        fields: dict[str, Any] = convert_to_plain(
            {
                **_list_fields_except(self, "evaluation"),
                "members": members,
                "interval": evaluation.interval,
                "gain": evaluation.gain,
                "reliability": {"before": evaluation.before_calibration, "after": evaluation.after_calibration},
                "meta_learners": evaluation.meta_learner_figures,
                "meta_learners_photos": evaluation.meta_learner_rows,
            }
        )
        return fields


@dataclass(frozen=True, kw_only=True, repr=False)
class ScoreResult(Shown, AnswerScore):
    """A submission scored against hidden labels."""

    submission: Path

    def build_table(self) -> Table:
        """Return the file and its scores as one line."""
        return Table(notes=[f"{self.submission}: {self.describe()}"])

    def describe(self) -> str:
        """Return the competition's metric, log loss of probabilities, and accuracy as a phrase."""
        parts = [f"{self.metric} {format_score(self.score, self.standard_error)}"]
        if self.log_loss is not None and self.score != self.log_loss:
            parts.append(f"log loss {self.log_loss:.4f}")
        if self.metric != "accuracy":
            parts.append(f"accuracy {self.accuracy:.4f}")
        return ", ".join(parts)


@dataclass(frozen=True, repr=False)
class SubmitResult(Shown):
    """An uploaded CSV, or the CSV of a dry run.

    Attributes
    ----------
    ref
        Kaggle's number of the submission. None after a dry run.
    public, private
        Kaggle's scores. None if there are none yet.
    """

    submission: Path
    slug: str
    description: str
    ref: int | None
    status: str
    public: float | None
    private: float | None

    def build_table(self) -> Table:
        """Return the state of the submission as one sentence."""
        return Table(notes=[address_caller(self._describe())])

    def _describe(self) -> str:
        if self.ref is None:
            return f"{self.submission} would be submitted to {self.slug} as {self.description!r}."
        if self.status == "PENDING":
            return f"Submission {self.ref}: not scored yet; `ensembler submissions` will show its score."
        scores = (("public", self.public), ("private", self.private))
        score_text = ", ".join(f"{kind} score {score:g}" for kind, score in scores if score is not None)
        return f"Submission {self.ref}: {score_text or 'accepted, without a score'}"


def _describe_gain(result: StackResult) -> str:
    gain, best = result.evaluation.gain, result.best
    interval = f"(95 %: {format_signed(gain.interval.low)} to {format_signed(gain.interval.high)})"
    alone = [member.name for member in result.members] == [best]
    other = f"{best} without calibration" if alone else f"the best member, {best},"
    if gain.is_within_noise:
        return f"the gain over {other} is within noise: {format_signed(gain.value)} {interval}"
    word = "better" if gain.value > 0 else "worse"
    return f"{word} than {other} beyond noise: by {abs(gain.value):.4f} {interval}"


def _list_fields_except(record: object, *names: str) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in names}
