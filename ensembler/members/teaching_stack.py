"""A finished stack whose members teach others, by pseudo-labels or by distillation.

What a fold of a student learns must not depend on the labels that this fold holds out. The stack's own predictions of
the photos to predict would leak them. They average the networks of all folds, most of which learned from the rows that
a given fold holds out. The meta-learner's weights would leak as well, even if they were fitted without a fold's rows,
because they are fitted on out-of-fold predictions of networks that learned from these rows. Therefore a fold is taught
by each member's network of the same fold, with equal weights and averaged log-odds (a geometric mean of probabilities).
Members that learned from a stack themselves follow the same rule. The choice of a stack's members may depend on scores
on all rows, like any choice among members.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..competition.duplicates import find_copies, load_duplicates
from ..competition.folds.folds import Folds
from ..competition.tables import Tables
from ..errors import BadChoice, Mismatch
from ..options.corrections import LabelCorrections
from ..paths import CompetitionFolder
from ..serialization import compute_fingerprint
from .predictions import load_members
from .records import MemberRecord, load_fold_record
from .stack_record import list_stacks, load_stack_record


@dataclass(frozen=True)
class TeachingStack:
    """A finished stack that can teach.

    Attributes
    ----------
    members
        Records of its members.
    fingerprint
        Hash of all their predictions.
    """

    name: str
    members: tuple[MemberRecord, ...]
    fingerprint: str


def load_teaching_stack(
    folder: CompetitionFolder, tables: Tables, stack: str, learners: Mapping[str, LabelCorrections | None], label: str
) -> TeachingStack:
    """Find a stack, and check that it can teach.

    Parameters
    ----------
    learners
        Corrections of the members that learn from it, by name. They must be those of the stack's members, whose
        predictions depend on the labels that they learned.
    label
        Suggested label of a learner whose name is that of a member of the stack.

    Raises
    ------
    BadChoice
        If the stack is unknown or unfinished, a member would learn from its own predictions, or it has other
        corrections than a member of the stack.
    Mismatch
        If the stack's members were trained again after the stack, or on other photos or folds than the current ones.
    """
    if stack not in (finished := list_stacks(folder)):
        raise BadChoice.from_unknown_name("finished stack", stack, finished, "make it first with `ensembler stack`.")
    fingerprints = {member.name: member.fingerprint for member in load_stack_record(folder, stack).members}
    if own := sorted(set(fingerprints) & set(learners)):
        raise BadChoice(
            f"{own[0]} is a member of the stack {stack}, so it cannot learn from the stack: train another member, such "
            f"as {_suggest_learner(own[0], label, fingerprints)}."
        )
    members = tuple(member.record for member in load_members(folder, tables, list(fingerprints)))
    for record in members:
        if record.fingerprint != fingerprints[record.name]:
            raise Mismatch(
                f"{record.name} was trained again after the stack {stack} was built: build the stack again with "
                "`ensembler stack`."
            )
        _check_corrections(stack, record, learners)
    return TeachingStack(stack, members, _compute_predictions_fingerprint(folder, members))


def _check_corrections(stack: str, record: MemberRecord, learners: Mapping[str, LabelCorrections | None]) -> None:
    """Refuse a teacher that learned labels which its students must not learn."""
    for name, corrections in learners.items():
        if record.settings.corrections != corrections:
            raise BadChoice(
                f"{name} cannot learn from the stack {stack}, because {record.name} was trained with other corrections "
                f"({record.settings.corrections or 'none'} instead of {corrections or 'none'}): give {name} the same "
                "--exclude and --relabel, or stack members that have its corrections."
            )


def _suggest_learner(member: str, label: str, taken: Collection[str]) -> str:
    """Return a name for a learner of the member's backbone that is none of the stack's members."""
    name = f"{member.partition('@')[0]}@{label}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(each for each in names if each not in taken)


def mask_unrelated_photos(folder: CompetitionFolder, tables: Tables, folds: Folds, fold: int) -> NDArray[np.bool_]:
    """Return the mask of the readable photos to predict that are no copies of photos that a fold holds out.

    A fold's network must not see the pictures that it is scored on.
    """
    held_out = set(tables.train.loc[folds.mask_held_out(fold), "id"])
    copies = find_copies(load_duplicates(folder), held_out)
    return np.asarray(~pd.Index(tables.test.loc[tables.readable_test, "id"]).isin(copies))


def _compute_predictions_fingerprint(folder: CompetitionFolder, members: Sequence[MemberRecord]) -> str:
    """Compute a hash of all predictions that can teach."""
    loaded = [(each, load_fold_record(folder, each.name, fold)) for each in members for fold in range(each.folds_count)]
    return compute_fingerprint(
        [[member.name, fold.fold, fold.sha256.get("predictions.npz")] for member, fold in loaded if fold]
    )
