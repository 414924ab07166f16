"""Pseudo-labels of a stack, computed for each fold by networks that never saw the fold's held-out rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...competition.folds.file import load_folds
from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...errors import BadChoice
from ...heads.links import average_log_odds
from ...options.corrections import LabelCorrections
from ...options.pseudo_labels import PseudoLabels
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from ..predictions import load_test_predictions
from ..records import MemberRecord
from ..teaching_stack import load_teaching_stack, mask_unrelated_photos
from .files import are_confident, format_labels


@dataclass(frozen=True)
class Labeller:
    """A finished stack whose members label the photos to predict.

    Attributes
    ----------
    source
        Source of the pseudo-labels, which becomes part of a member's settings.
    members
        Members of the stack.
    """

    folder: CompetitionFolder
    tables: Tables
    folds: Folds
    source: PseudoLabels
    members: tuple[MemberRecord, ...]

    @property
    def words(self) -> list[str]:
        """Options of the pseudo-labels as words of the command line."""
        return ["--pseudo-labels", self.source.stack, "--confidence", f"{self.source.confidence!r}"]

    def supervise(self, settings: MemberSettings) -> MemberSettings:
        """Return the settings of a member that learns from the pseudo-labels."""
        return replace(settings, pseudo_labels=self.source)

    @property
    def photos(self) -> int:
        """Number of photos to predict that can be labelled."""
        return len(self.tables.test_paths)

    def select_labels(self, fold: int) -> tuple[NDArray[np.str_], list[str]]:
        """Return ids and labels of the photos to predict that are confident enough for a fold.

        Copies of the fold's held-out photos are excluded, because the fold's network must not see these pictures.

        Parameters
        ----------
        fold
            Number of the split, as in ``fold-K``.
        """
        tables, multiclass = self.tables, self.tables.manifest.sums_to_one
        ids = tables.test.loc[tables.readable_test, "id"].to_numpy(dtype=str)
        of_members = [load_test_predictions(self.folder, tables, member, fold) for member in self.members]
        predicted = average_log_odds(of_members, multiclass=multiclass)
        taken = are_confident(predicted, self.source.confidence, multiclass=multiclass)
        taken &= mask_unrelated_photos(self.folder, tables, self.folds, fold)
        return ids[taken], format_labels(predicted[taken], tables.manifest)


def find_labeller(
    folder: CompetitionFolder,
    tables: Tables,
    stack: str,
    confidence: float,
    learners: Mapping[str, LabelCorrections | None],
) -> Labeller:
    """Find the stack that provides pseudo-labels, and check that it is suitable.

    Parameters
    ----------
    confidence
        Minimum probability of a pseudo-label, above 0.5 and below 1.
    learners
        Corrections of the members that learn from the pseudo-labels, by name.

    Raises
    ------
    BadChoice
        If the confidence is out of range, the stack is unknown or unfinished, a member would learn from its own
        predictions, or there is no photo to predict.
    Mismatch
        If the stack's members were trained again after the stack, or on other photos or folds than the current ones.
    """
    if not 0.5 < confidence < 1:
        raise BadChoice(f"--confidence must be above 0.5 and below 1. Received: {confidence:g}")
    if not tables.test_paths:
        raise BadChoice(
            f"{folder.name} has no readable photo to predict, so there is nothing to label: omit --pseudo-labels."
        )
    found = load_teaching_stack(folder, tables, stack, learners, "pseudo")
    source = PseudoLabels(stack, confidence, found.fingerprint)
    return Labeller(folder, tables, load_folds(folder, tables), source, found.members)
