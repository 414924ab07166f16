"""The record of a finished stack: its members, its scores, and hashes of the data that they depend on."""

from __future__ import annotations

from dataclasses import dataclass

from ..options.corrections import LabelCorrections
from ..paths import CompetitionFolder
from ..serialization import read_record


@dataclass(frozen=True)
class MemberUsed:
    """A member of a stack, with the fingerprint of its record when the stack was built."""

    name: str
    fingerprint: str = ""


@dataclass(frozen=True)
class StackRecord:
    """The fields of ``stack.json`` that are read. The file contains everything that `ensembler stack --json` prints.

    Attributes
    ----------
    members
        Members in the order of the meta-learner's inputs.
    log_loss, metric, score, standard_error
        Nested out-of-fold scores. The score by the metric is None if the metric is undefined, and in stacks of early
        versions, which were scored by log loss.
    folds, samples
        Hashes of the folds and of the photos with their labels. Empty in stacks of early versions.
    corrections, corrected
        Corrections of its members together, and the scores after them. None without corrections.
    """

    name: str
    members: tuple[MemberUsed, ...]
    log_loss: float
    metric: str = "log loss"
    score: float | None = None
    standard_error: float | None = None
    folds: str = ""
    samples: str = ""
    corrections: LabelCorrections | None = None
    corrected: dict[str, str | float | None] | None = None

    @property
    def corrected_score(self) -> float | None:
        """Score after corrections. None without any, or if the metric is undefined."""
        score = self.corrected["score"] if self.corrected else None
        return None if score is None else float(score)

    @property
    def known_score(self) -> tuple[str, float]:
        """The metric and its score, or log loss if the competition's metric is undefined."""
        return ("log loss", self.log_loss) if self.score is None else (self.metric, self.score)


def list_stacks(folder: CompetitionFolder) -> list[str]:
    """Return the names of all finished stacks, the newest first."""
    paths = sorted(folder.stack("").glob("*/stack.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.parent.name for path in paths]


def load_stack_record(folder: CompetitionFolder, name: str) -> StackRecord:
    """Read ``stack.json`` of a finished stack.

    Raises
    ------
    BadData
        If the file is damaged.
    """
    return read_record(folder.stack(name) / "stack.json", StackRecord, "build the stack again with `ensembler stack`.")
