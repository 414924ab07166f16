"""What a stack is made of: the members' predictions, joined by id, refused where they do not belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..competition.samples import samples_fingerprint
from ..competition.tables import Tables
from ..errors import BadChoice, BadData, Mismatch
from ..members.records import FoldPredictions, MemberRecord, load_fold, trained_members
from ..storage import CompetitionFolder, file_digest


@dataclass(frozen=True)
class MemberPredictions:
    """One member's probabilities in the tables' order.

    Attributes
    ----------
    record
        The member's settings.
    out_of_fold
        For the training photos, each by the one network that did not see it, shape (photos, outputs).
    test
        For the readable test photos, the mean over the folds' networks, shape (photos, outputs).
    fold_scores
        Held-out log loss of each fold.
    seconds
        Time that training took.
    """

    record: MemberRecord
    out_of_fold: NDArray[np.float32]
    test: NDArray[np.float32]
    fold_scores: tuple[float, ...]
    seconds: float

    @property
    def name(self) -> str:
        """The member's name."""
        return self.record.name


def load_members(folder: CompetitionFolder, tables: Tables, names: Sequence[str]) -> list[MemberPredictions]:
    """Read the predictions of the members named.

    Raises
    ------
    BadChoice
        If a member was not trained or is named twice.
    Mismatch
        If a member is unfinished or belongs to other photos, folds or classes.
    """
    known = trained_members(folder)
    for name in names:
        if name not in known:
            raise BadChoice.unknown("trained member", name, known, "train it first with `ensembler train-members`.")
    if len(set(names)) < len(names):
        raise BadChoice(f"A member is named twice: {', '.join(names)}; name each once.")
    samples, folds = samples_fingerprint(folder, tables.manifest), file_digest(folder.folds)
    return [_load_member(folder, tables, MemberRecord.load(folder, name), samples, folds) for name in names]


def _load_member(
    folder: CompetitionFolder, tables: Tables, record: MemberRecord, samples: str, folds: str
) -> MemberPredictions:
    _refuse_strangers(record, tables, samples, folds)
    loaded = [load_fold(folder, record, fold) for fold in range(record.folds_count)]
    parts = [predictions for predictions, _ in loaded]
    for part in parts:
        if tuple(part.classes) != tables.manifest.outputs:
            raise Mismatch(f"Predictions of {record.name} are for other classes: train it anew with --restart.")
    return MemberPredictions(
        record=record,
        out_of_fold=_joined_out_of_fold(parts, tables, record.name),
        test=_mean_of_test(parts, tables, record.name),
        fold_scores=tuple(float(told["log_loss"]) for _, told in loaded),
        seconds=float(sum(told["seconds"] for _, told in loaded)),
    )


def _refuse_strangers(record: MemberRecord, tables: Tables, samples: str, folds: str) -> None:
    for what, mine, theirs in (
        ("classes", record.classes, tables.manifest.outputs),
        ("photos or labels", record.samples, samples),
        ("folds", record.folds, folds),
    ):
        if mine != theirs:
            raise Mismatch(f"{record.name} was trained with other {what} than there are now: train it with --restart.")


def _joined_out_of_fold(parts: list[FoldPredictions], tables: Tables, name: str) -> NDArray[np.float32]:
    ids = np.concatenate([part.held_out_ids for part in parts])
    stacked = np.concatenate([part.held_out for part in parts])
    return _in_order(ids, stacked, tables.train["id"], f"Out-of-fold predictions of {name}")


def _mean_of_test(parts: list[FoldPredictions], tables: Tables, name: str) -> NDArray[np.float32]:
    wanted = tables.test.loc[tables.readable_test, "id"]
    ordered = [_in_order(part.test_ids, part.test, wanted, f"Test predictions of {name}") for part in parts]
    return np.asarray(np.mean(ordered, axis=0, dtype=np.float64), dtype=np.float32)


def _in_order(ids: NDArray[np.str_], values: NDArray[np.float32], wanted: pd.Series, what: str) -> NDArray[np.float32]:
    """Rows of ``values`` in the order of the ids ``wanted``, each exactly once."""
    place = pd.Index(ids).get_indexer(pd.Index(wanted.to_numpy(dtype=str))) if pd.Index(ids).is_unique else None
    if place is None or len(ids) != len(wanted) or (place < 0).any():
        raise Mismatch(f"{what} do not have each photo exactly once: train the member anew with --restart.")
    if not np.isfinite(values).all():
        raise BadData(f"{what} hold values that are no numbers: train the member anew with --restart.")
    return values[place]
