"""Pseudo-labels of a stack, computed for each fold by networks that never saw the fold's held-out rows.

The stack's own predictions of the photos to predict would leak. They average the networks of all folds, most of which
learned from the rows that a given fold holds out. The meta-learner's weights would leak as well, even if they were
fitted without a fold's rows, because they are fitted on out-of-fold predictions of networks that learned from these
rows. Therefore the labels of a fold come from each member's network of the same fold, with equal weights and averaged
log-odds (a geometric mean of probabilities). They depend only on the labels of the fold's own training photos. Members
that use pseudo-labels themselves follow the same rule. The choice of a stack's members may depend on scores on all
rows, like any choice among members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...competition.duplicates import find_copies, load_duplicates
from ...competition.folds.file import load_folds
from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...errors import BadChoice, Mismatch
from ...heads.links import compute_link, compute_probabilities
from ...options.pseudo_labels import PseudoLabels
from ...paths import CompetitionFolder
from ...serialization import compute_fingerprint
from ..predictions import load_members
from ..records import MemberRecord, load_fold, load_fold_record
from ..stack_record import list_stacks, load_stack_record
from .files import are_confident, format_labels

# Probabilities are clipped to this distance from 0 and 1, the resolution of float32.
_CLIP = 1e-7


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
        loaded = [load_fold(self.folder, member, fold)[0] for member in self.members]
        aligned = [part.test[pd.Index(part.test_ids).get_indexer(pd.Index(ids))] for part in loaded]
        predicted = average_log_odds(aligned, multiclass=multiclass)
        held_out = set(tables.train.loc[self.folds.mask_held_out(fold), "id"])
        copies = find_copies(load_duplicates(self.folder), held_out)
        taken = are_confident(predicted, self.source.confidence, multiclass=multiclass) & ~pd.Index(ids).isin(copies)
        return ids[taken], format_labels(predicted[taken], tables.manifest)


def average_log_odds(members: Sequence[NDArray[np.float32]], *, multiclass: bool) -> NDArray[np.float32]:
    """Average probabilities by their log-odds.

    Parameters
    ----------
    members
        Probabilities of each member, shape (photos, outputs).

    Returns
    -------
    array of shape (photos, outputs)
        Averaged probabilities.
    """
    clipped = np.clip(np.asarray(members, np.float64), _CLIP, 1 - _CLIP)
    return compute_probabilities(compute_link(clipped, multiclass=multiclass).mean(axis=0), multiclass=multiclass)


def find_labeller(
    folder: CompetitionFolder, tables: Tables, stack: str, confidence: float, learners: Sequence[str]
) -> Labeller:
    """Find the stack that provides pseudo-labels, and check that it is suitable.

    Parameters
    ----------
    confidence
        Minimum probability of a pseudo-label, above 0.5 and below 1.
    learners
        Names of the members that learn from the pseudo-labels.

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
    if stack not in (finished := list_stacks(folder)):
        raise BadChoice.from_unknown_name("finished stack", stack, finished, "make it first with `ensembler stack`.")
    fingerprints = {member.name: member.fingerprint for member in load_stack_record(folder, stack).members}
    if own := sorted(set(fingerprints) & set(learners)):
        raise BadChoice(
            f"{own[0]} is a member of the stack {stack}, so it cannot learn from the stack's labels: train another "
            f"member, such as `--members {own[0].partition('@')[0]}@pseudo`."
        )
    members = tuple(member.record for member in load_members(folder, tables, list(fingerprints)))
    for record in members:
        if record.fingerprint != fingerprints[record.name]:
            raise Mismatch(
                f"{record.name} was trained again after the stack {stack} was built: build the stack again with "
                "`ensembler stack`."
            )
    source = PseudoLabels(stack, confidence, _compute_fingerprint(folder, members))
    return Labeller(folder, tables, load_folds(folder, tables), source, members)


def _compute_fingerprint(folder: CompetitionFolder, members: Sequence[MemberRecord]) -> str:
    """Compute a hash of all predictions from which the labels are derived."""
    loaded = [(each, load_fold_record(folder, each.name, fold)) for each in members for fold in range(each.folds_count)]
    return compute_fingerprint(
        [[member.name, fold.fold, fold.sha256.get("predictions.npz")] for member, fold in loaded if fold]
    )
