"""What ``stack.json`` tells of a finished stack: its members, its scores, and what they rest on."""

from __future__ import annotations

from dataclasses import dataclass

from ..paths import CompetitionFolder
from ..serialization import read_record


@dataclass(frozen=True)
class MemberUsed:
    """A member of a stack, and the fingerprint of its record when the stack was built."""

    name: str
    fingerprint: str = ""


@dataclass(frozen=True)
class StackRecord:
    """The fields of ``stack.json`` that are read; it also holds everything that `ensembler stack --json` prints.

    Attributes
    ----------
    members
        In the order of the meta-learner's inputs.
    log_loss, metric, score, standard_error
        Nested out-of-fold scores. The score by the metric is None where the metric gave no number, and in stacks of
        early versions, which were scored by log loss.
    folds, samples
        Hashes of the folds and of the photos with their labels; empty in stacks of early versions.
    """

    name: str
    members: tuple[MemberUsed, ...]
    log_loss: float
    metric: str = "log loss"
    score: float | None = None
    standard_error: float | None = None
    folds: str = ""
    samples: str = ""

    @property
    def known_score(self) -> tuple[str, float]:
        """A metric and the score by it: log loss where the competition's metric gave no number."""
        return ("log loss", self.log_loss) if self.score is None else (self.metric, self.score)


def list_stacks(folder: CompetitionFolder) -> list[str]:
    """Names of all finished stacks, the newest first."""
    paths = sorted(folder.stack("").glob("*/stack.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.parent.name for path in paths]


def load_stack_record(folder: CompetitionFolder, name: str) -> StackRecord:
    """Read ``stack.json`` of a finished stack.

    Raises
    ------
    BadData
        If it is damaged.
    """
    return read_record(folder.stack(name) / "stack.json", StackRecord, "build the stack again with `ensembler stack`.")
