"""The members' predictions, joined by id and checked to belong to the same photos, folds and classes."""

from __future__ import annotations

import math
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
    """Predicted probabilities of one member, in the order of the tables.

    Attributes
    ----------
    record
        Record of the member.
    out_of_fold
        Probabilities of the scored training photos, shape (scored photos, outputs). In each repeat, the network that
        did not see a photo predicts it. The values are means over the repeats.
    test
        Probabilities of the readable test photos, averaged over all networks, shape (photos, outputs).
    fold_scores
        Held-out log loss of each fold.
    seconds
        Training time.
    """

    record: MemberRecord
    out_of_fold: NDArray[np.float32]
    test: NDArray[np.float32]
    fold_scores: tuple[float, ...]
    seconds: float

    @property
    def name(self) -> str:
        """Name of the member."""
        return self.record.name


def load_members(folder: CompetitionFolder, tables: Tables, names: Sequence[str]) -> list[MemberPredictions]:
    """Load the predictions of members.

    Parameters
    ----------
    names
        Names of the members. Keras's names of backbones are accepted.

    Raises
    ------
    BadChoice
        If a member is not trained or is named twice.
    Mismatch
        If a member is unfinished or belongs to other photos, folds or classes.
    """
    records, folds = _load_checked_records(folder, tables, names)
    return [_load_member(folder, tables, record, folds) for record in records]


def load_finished_records(folder: CompetitionFolder, tables: Tables, names: Sequence[str]) -> list[MemberRecord]:
    """Load the records of finished members without their predictions.

    The parameters and the errors are those of :func:`load_members`.
    """
    records, _ = _load_checked_records(folder, tables, names)
    for record in records:
        if missing := record.list_unfinished_folds(folder):
            raise Mismatch(f"Fold {missing[0]} of {record.name} is not finished: run `ensembler train-members` again.")
    return records


def _load_checked_records(
    folder: CompetitionFolder, tables: Tables, names: Sequence[str]
) -> tuple[list[MemberRecord], Folds]:
    """Load records of members that were trained on the present photos, classes and folds, and the folds."""
    known = list_trained_members(folder)
    names = [resolve_member(name, known) for name in names]
    for name in names:
        if name not in known:
            raise BadChoice.from_unknown_name(
                "trained member", name, known, "train it first with `ensembler train-members`."
            )
    if len(set(names)) < len(names):
        raise BadChoice(f"A member is named twice in {', '.join(names)}: name each member once.")
    records = [MemberRecord.load(folder, name) for name in names]
    # First, because members seem to have been trained on other folds if the file is damaged.
    folds = load_folds(folder, tables)
    samples, digest = compute_samples_fingerprint(folder, tables.manifest), compute_file_digest(folder.folds)
    for record in records:
        _check_same_data(record, tables, samples, digest)
    return records, folds


def _load_member(folder: CompetitionFolder, tables: Tables, record: MemberRecord, folds: Folds) -> MemberPredictions:
    loaded = [load_fold(folder, record, fold) for fold in range(record.folds_count)]
    parts = [predictions for predictions, _ in loaded]
    for part in parts:
        if tuple(part.classes) != tables.manifest.outputs:
            raise Mismatch(f"The predictions of {record.name} are for other classes: train it again with --restart.")
    return MemberPredictions(
        record=record,
        out_of_fold=_join_out_of_fold(parts, tables, folds, record.name),
        test=_average_test(parts, tables, record.name),
        fold_scores=tuple(math.nan if fold.log_loss is None else fold.log_loss for _, fold in loaded),
        seconds=sum(fold.seconds for _, fold in loaded),
    )


def _check_same_data(record: MemberRecord, tables: Tables, samples: str, folds: str) -> None:
    for what, mine, theirs in (
        ("classes", record.classes, tables.manifest.outputs),
        ("photos or labels", record.samples, samples),
        ("folds", record.folds, folds),
    ):
        if mine != theirs:
            raise Mismatch(f"{record.name} was trained with other {what}: train it again with --restart.")


def require_refit(folder: CompetitionFolder, record: MemberRecord) -> None:
    """Check that a member has a network that learned from all photos.

    Raises
    ------
    Mismatch
        If the member was not trained with ``refit``.
    """
    if not record.is_finished(folder, ALL_PHOTOS):
        raise Mismatch(
            f"{record.name} has no network trained on all photos: repeat its call of `ensembler train-members` with "
            "--refit, which keeps its folds."
        )


def load_refit_predictions(folder: CompetitionFolder, tables: Tables, record: MemberRecord) -> NDArray[np.float32]:
    """Load the predictions of a member's refitted network for the readable test photos, in the order of the table.

    Raises
    ------
    Mismatch
        If the member was not trained with ``refit``.
    """
    require_refit(folder, record)
    return load_test_predictions(folder, tables, record, ALL_PHOTOS)


def load_test_predictions(
    folder: CompetitionFolder, tables: Tables, record: MemberRecord, fold: int
) -> NDArray[np.float32]:
    """Load the predictions of one fold's network for the readable test photos, in the order of the table.

    Raises
    ------
    Mismatch
        If the fold is not finished.
    """
    predictions, _ = load_fold(folder, record, fold)
    return _average_test([predictions], tables, record.name)


def _join_out_of_fold(parts: list[FoldPredictions], tables: Tables, folds: Folds, name: str) -> NDArray[np.float32]:
    """Average the predictions of each scored photo over the repeats, after checking that they were held out."""
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
    """Return the rows of ``values`` in the order of the unique ids ``wanted``, each exactly once."""
    # The order nearly always matches, and comparing millions of ids is much faster than looking them up.
    if not np.array_equal(ids, wanted):
        index = pd.Index(ids)
        places = index.get_indexer(pd.Index(wanted)) if index.is_unique and len(ids) == len(wanted) else np.array([-1])
        if (places < 0).any():
            raise Mismatch(f"{what} do not contain each photo exactly once: train the member again with --restart.")
        values = values[places]
    if not np.isfinite(values).all():
        raise BadData(f"{what} contain values that are not finite: train the member again with --restart.")
    return values
