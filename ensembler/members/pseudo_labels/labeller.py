"""Pseudo-labels of a stack, apart for each fold: from those networks alone that never saw what the fold holds out.

A stack's own predictions of the photos to predict cannot be used. They are means over the networks of all folds, most
of which learned from the rows that a fold holds out; so their labels would carry what is held out into its training,
and the member's out-of-fold score would be too good. The meta-learner's weights cannot be used either, not even those
fitted without a fold's rows: the out-of-fold predictions of the other folds, on which they are fitted, are by networks
that learned from this fold's rows. What is left is safe whatever the members are: for each fold, each member's network
of that very fold, all with the same weight, their log-odds averaged (a geometric mean of probabilities). It depends on
the labels of the fold's own training photos alone. Members that have pseudo-labels themselves keep to the same rule.
Which members a stack has may have been chosen by scores on all rows, as any choice among members is.
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
from ...errors import BadChoice, BadData, Mismatch
from ...heads.links import compute_probabilities
from ...options.pseudo_labels import PseudoLabels
from ...paths import CompetitionFolder
from ...serialization import compute_fingerprint, read_json
from ..predictions import load_members
from ..records import MemberRecord, load_fold
from .files import are_confident, format_labels

# Members are held off 0 and 1 by this, as float32 cannot tell more.
_CLIP = 1e-7


@dataclass(frozen=True)
class Labeller:
    """A finished stack whose members give labels to the photos to predict.

    Attributes
    ----------
    source
        Goes into the settings of a member that learns from them.
    members
        The stack's.
    """

    folder: CompetitionFolder
    tables: Tables
    folds: Folds
    source: PseudoLabels
    members: tuple[MemberRecord, ...]

    @property
    def photos(self) -> int:
        """Photos to predict that could be labelled."""
        return len(self.tables.test_paths)

    def select_labels(self, fold: int) -> tuple[NDArray[np.str_], list[str]]:
        """Return ids and labels of the photos to predict that are sure enough for a fold to learn from.

        Copies of photos that the fold holds out are not among them: its network must not see these pictures, whatever
        their label.

        Parameters
        ----------
        fold
            Number of the split, as in ``fold-K``.
        """
        tables, multiclass = self.tables, self.tables.manifest.sums_to_one
        ids = tables.test.loc[tables.readable_test, "id"].to_numpy(dtype=str)
        predicted = average_log_odds(
            [self._load_test_predictions(member, fold, ids) for member in self.members], multiclass=multiclass
        )
        held_out = set(tables.train.loc[self.folds.mask_held_out(fold), "id"])
        copies = find_copies(load_duplicates(self.folder), held_out)
        taken = are_confident(predicted, self.source.confidence, multiclass=multiclass) & ~pd.Index(ids).isin(copies)
        return ids[taken], format_labels(predicted[taken], tables.manifest)

    def _load_test_predictions(self, member: MemberRecord, fold: int, ids: NDArray[np.str_]) -> NDArray[np.float32]:
        predictions, _ = load_fold(self.folder, member, fold)
        return predictions.test[pd.Index(predictions.test_ids).get_indexer(pd.Index(ids))]


def average_log_odds(members: Sequence[NDArray[np.float32]], *, multiclass: bool) -> NDArray[np.float32]:
    """Average probabilities by their log-odds.

    Parameters
    ----------
    members
        Of each, shape (photos, outputs).

    Returns
    -------
    array of shape (photos, outputs)
    """
    clipped = np.clip(np.asarray(members, np.float64), _CLIP, 1 - _CLIP)
    scores = np.log(clipped) if multiclass else np.log(clipped) - np.log1p(-clipped)
    return compute_probabilities(scores.mean(axis=0), multiclass=multiclass)


def find_labeller(
    folder: CompetitionFolder, tables: Tables, stack: str, confidence: float, learners: Sequence[str]
) -> Labeller:
    """Find a stack that gives pseudo-labels, and check that it may.

    Parameters
    ----------
    confidence
        Least probability of a label that is taken.
    learners
        Names of the members that are to learn from them.

    Raises
    ------
    BadChoice
        If the confidence is out of range, the stack is unknown or unfinished, a member would learn from itself, or
        there is no photo to predict.
    Mismatch
        If the stack's members were trained anew since, or on other photos or folds than there are now.
    """
    if not 0.5 < confidence < 1:
        raise BadChoice(f"--confidence must be above 0.5 and below 1. Received: {confidence:g}")
    if not tables.test_paths:
        raise BadChoice(f"No photo to predict of {folder.name} can be read, so none can get a pseudo-label.")
    finished = [path.parent.name for path in folder.stack("").glob("*/stack.json")]
    if stack not in finished:
        raise BadChoice.from_unknown_name("finished stack", stack, finished, "make it first with `ensembler stack`.")
    fingerprints = _read_members(folder, stack)
    if own := sorted(set(fingerprints) & set(learners)):
        raise BadChoice(
            f"{own[0]} is in the stack {stack}, so it cannot learn from its labels: train another member, such as "
            f"--members {own[0].partition('@')[0]}@pseudo."
        )
    members = tuple(member.record for member in load_members(folder, tables, list(fingerprints)))
    for record in members:
        if record.fingerprint != fingerprints[record.name]:
            raise Mismatch(
                f"{record.name} was trained anew after the stack {stack} was made: make the stack again with "
                "`ensembler stack`."
            )
    source = PseudoLabels(stack, confidence, _compute_fingerprint(folder, members))
    return Labeller(folder, tables, load_folds(folder, tables), source, members)


def _read_members(folder: CompetitionFolder, stack: str) -> dict[str, str]:
    """Return names and fingerprints of a stack's members."""
    path = folder.stack(stack) / "stack.json"
    try:
        return {str(member["name"]): str(member["fingerprint"]) for member in read_json(path)["members"]}
    except (KeyError, TypeError) as error:
        raise BadData(
            f"{path} is not of this version ({error}): make the stack again with `ensembler stack`."
        ) from error


def _compute_fingerprint(folder: CompetitionFolder, members: Sequence[MemberRecord]) -> str:
    """Hash of all predictions that labels are made of."""
    hashes = [
        [record.name, fold, read_json(folder.fold(record.name, fold) / "fold.json")["sha256"]["predictions.npz"]]
        for record in members
        for fold in range(record.folds_count)
    ]
    return compute_fingerprint(hashes)
