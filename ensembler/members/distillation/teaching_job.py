"""The description of the job that computes a teacher's predictions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ...competition.folds.file import load_folds
from ...competition.folds.folds import Folds
from ...competition.tables import Tables, load_tables
from ...options.distillation import TEACHER_FILE
from ...paths import CompetitionFolder
from ..corrected_data import correct_data
from ..predictions import MemberPredictions, load_members


@dataclass(frozen=True)
class TeachingJob:
    """Predictions of a teacher for some folds of its students.

    Attributes
    ----------
    members
        Names of the teacher's members.
    students
        Names of the members that learn.
    folds
        Folds of the students that are to be trained.
    """

    folder: CompetitionFolder
    members: tuple[str, ...]
    students: tuple[str, ...]
    folds: tuple[int, ...]

    @cached_property
    def tables(self) -> Tables:
        """The competition's photos."""
        return load_tables(self.folder)

    @cached_property
    def splits(self) -> Folds:
        """Folds of the photos, with the corrections that the teacher's members and the students share."""
        folds = load_folds(self.folder, self.tables)
        return correct_data(self.folder, self.members[0], self.tables, folds).folds

    @cached_property
    def predictions(self) -> list[MemberPredictions]:
        """Stored predictions of the members."""
        return load_members(self.folder, self.tables, self.members)

    def list_learners(self, fold: int) -> list[str]:
        """Return the students whose fold lacks the teacher's predictions."""
        return [name for name in self.students if not (self.folder.fold(name, fold) / TEACHER_FILE).is_file()]
