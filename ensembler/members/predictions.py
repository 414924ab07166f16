"""What a stack is made of: the members' predictions, joined by id, refused where they do not belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..backbones.names import resolve_member
from ..competition.folds.file import load_folds
from ..competition.folds.folds import Folds
from ..competition.folds.splits import ALL_PHOTOS, NOT_HELD_OUT
from ..competition.samples import compute_samples_fingerprint
from ..competition.tables import Tables
from ..errors import BadChoice, BadData, Mismatch
from ..paths import CompetitionFolder
from ..storage import compute_file_digest
from .records import FoldPredictions, MemberRecord, list_trained_members, load_fold


@dataclass(frozen=True)
class MemberPredictions:
    """One member's probabilities in the tables' order.

    Attributes
    ----------
    record
        The member's settings.
    out_of_fold
        For the scored training photos, in the table's order, shape (scored photos, outputs): of each, the mean over the
        repeats, in each of which the one network predicted it that did not see it.
    test
        For the readable test photos, the mean over all networks, shape (photos, outputs).
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
        If a member was not trained or is named twice; its backbone may have Keras's name.
    Mismatch
        If a member is unfinished or belongs to other photos, folds or classes.
    """
    known = list_trained_members(folder)
    names = [resolve_member(name, known) for name in names]
    for name in names:
        if name not in known:
            raise BadChoice.from_unknown_name(
                "trained member", name, known, "train it first with `ensembler train-members`."
            )
    if len(set(names)) < len(names):
        raise BadChoice(f"A member is named twice: {', '.join(names)}; name each once.")
    samples, digest = compute_samples_fingerprint(folder, tables.manifest), compute_file_digest(folder.folds)
    records = [MemberRecord.load(folder, name) for name in names]
    for record in records:
        _check_same_data(record, tables, samples, digest)
    folds = load_folds(folder, tables)
    return [_load_member(folder, tables, record, folds) for record in records]


def _load_member(folder: CompetitionFolder, tables: Tables, record: MemberRecord, folds: Folds) -> MemberPredictions:
    loaded = [load_fold(folder, record, fold) for fold in range(record.folds_count)]
    parts = [predictions for predictions, _ in loaded]
    for part in parts:
        if tuple(part.classes) != tables.manifest.outputs:
            raise Mismatch(f"Predictions of {record.name} are for other classes: train it anew with --restart.")
    return MemberPredictions(
        record=record,
        out_of_fold=_join_out_of_fold(parts, tables, folds, record.name),
        test=_average_test(parts, tables, record.name),
        fold_scores=tuple(float(data["log_loss"]) for _, data in loaded),
        seconds=float(sum(data["seconds"] for _, data in loaded)),
    )


def _check_same_data(record: MemberRecord, tables: Tables, samples: str, folds: str) -> None:
    for what, mine, theirs in (
        ("classes", record.classes, tables.manifest.outputs),
        ("photos or labels", record.samples, samples),
        ("folds", record.folds, folds),
    ):
        if mine != theirs:
            raise Mismatch(f"{record.name} was trained with other {what} than there are now: train it with --restart.")


def load_refit_predictions(folder: CompetitionFolder, tables: Tables, record: MemberRecord) -> NDArray[np.float32]:
    """Read what a member's network that learned from all photos predicts of the readable test photos, in their order.

    Raises
    ------
    Mismatch
        If the member has no such network.
    """
    if not record.is_finished(folder, ALL_PHOTOS):
        raise Mismatch(
            f"{record.name} has no network that learned from all photos: train it by the same call as before with "
            "--refit added, which keeps its folds."
        )
    predictions, _ = load_fold(folder, record, ALL_PHOTOS)
    return _average_test([predictions], tables, record.name)


def _join_out_of_fold(parts: list[FoldPredictions], tables: Tables, folds: Folds, name: str) -> NDArray[np.float32]:
    """Mean over the repeats of each scored photo's predictions, which must be those of its held-out networks."""
    sums, ids = np.zeros((len(tables.train), len(tables.manifest.outputs))), tables.train["id"].to_numpy(dtype=str)
    for split, part in enumerate(parts):
        rows = folds.mask_held_out(split)
        what = f"Out-of-fold predictions of {name}"
        sums[rows] += _align_rows(part.held_out_ids, part.held_out, ids[rows], what)
    times = (folds.assigned != NOT_HELD_OUT).sum(axis=1)[folds.scored, None]
    return np.asarray(sums[folds.scored] / times, dtype=np.float32)


def _average_test(parts: list[FoldPredictions], tables: Tables, name: str) -> NDArray[np.float32]:
    wanted = tables.test.loc[tables.readable_test, "id"].to_numpy(dtype=str)
    ordered = [_align_rows(part.test_ids, part.test, wanted, f"Test predictions of {name}") for part in parts]
    return np.asarray(np.mean(ordered, axis=0, dtype=np.float64), dtype=np.float32)


def _align_rows(
    ids: NDArray[np.str_], values: NDArray[np.float32], wanted: NDArray[np.str_], what: str
) -> NDArray[np.float32]:
    """Rows of ``values`` in the order of the ids ``wanted``, which are unique, each exactly once."""
    # They nearly always are in that order, and comparing millions of ids is much quicker than looking them up.
    if not np.array_equal(ids, wanted):
        values = values[_find_positions(ids, wanted, what)]
    if not np.isfinite(values).all():
        raise BadData(f"{what} hold values that are no numbers: train the member anew with --restart.")
    return values


def _find_positions(ids: NDArray[np.str_], wanted: NDArray[np.str_], what: str) -> NDArray[np.intp]:
    index = pd.Index(ids)
    places = index.get_indexer(pd.Index(wanted)) if index.is_unique and len(ids) == len(wanted) else np.array([-1])
    if (places < 0).any():
        raise Mismatch(f"{what} do not have each photo exactly once: train the member anew with --restart.")
    return places
