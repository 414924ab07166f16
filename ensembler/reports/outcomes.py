"""Out-of-fold predictions of a stack or a member with the true labels, read in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..competition.folds.folds import Folds
from ..competition.folds.splits import NOT_HELD_OUT
from ..competition.manifest import Manifest
from ..competition.tables import Tables, encode_labels
from ..errors import Mismatch
from ..members.records import MemberRecord, load_fold
from ..paths import CompetitionFolder
from .mapped_arrays import map_arrays

# Most probabilities of a block.
BLOCK_CELLS = 4_000_000

Floats = NDArray[np.floating[Any]]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Predictions of labelled and of test photos.

    Attributes
    ----------
    rows
        Rows of the training table with a prediction, shape (predicted,).
    probabilities
        Their probabilities, shape (predicted, outputs). The array may lie in a file.
    test_rows, test
        Rows of the test table, and their probabilities.
    """

    manifest: Manifest
    labels: pd.Series
    rows: Rows
    probabilities: Floats
    test_rows: Rows
    test: Floats

    @property
    def is_exclusive(self) -> bool:
        """Whether each row has one class."""
        return self.manifest.task != "multilabel"

    @cached_property
    def codes(self) -> Rows:
        """Number of the class of each predicted row, shape (predicted,); -1 for labels that are no single class."""
        return np.asarray(pd.Index(self.manifest.classes).get_indexer(pd.Index(self.labels.iloc[self.rows])), np.int64)

    def iterate_blocks(self) -> Iterator[tuple[slice, Floats, Floats]]:
        """Yield blocks of rows: their slice, targets and probabilities, shape (rows, outputs)."""
        step = max(1, BLOCK_CELLS // max(1, len(self.manifest.outputs)))
        for start in range(0, len(self.rows), step):
            block = slice(start, start + step)
            yield block, self.encode_targets(block), np.asarray(self.probabilities[block], dtype=np.float32)

    def encode_targets(self, block: slice | Rows) -> Floats:
        """Encode the labels of predicted rows as 0 and 1, shape (rows, outputs)."""
        codes = self.codes[block]
        if not self.is_exclusive or (codes < 0).any():
            return encode_labels(self.labels.iloc[self.rows[block]], self.manifest)
        first = len(self.manifest.classes) - len(self.manifest.outputs)
        targets = np.zeros((len(codes), len(self.manifest.outputs)), np.float32)
        hit = codes >= first
        targets[np.flatnonzero(hit), codes[hit] - first] = 1
        return targets

    def choose_classes(self, probabilities: Floats) -> Rows:
        """Return the number of the most probable class of each row, shape (rows,)."""
        if self.manifest.task == "binary":
            return (probabilities[:, 0] > 0.5).astype(np.int64)
        return np.asarray(probabilities.argmax(axis=1), np.int64)


def load_stack_outcomes(folder: CompetitionFolder, tables: Tables, stack: str) -> Outcomes:
    """Map the nested out-of-fold predictions of a stack, and its predictions of test photos.

    Raises
    ------
    BadData
        If the file is damaged.
    Mismatch
        If it has other photos or classes than the tables.
    """
    stored = map_arrays(folder.stack(stack) / "predictions.npz")
    missing = {"out_of_fold_ids", "out_of_fold", "test_ids", "test", "classes"} - stored.keys()
    if missing or tuple(stored["classes"].tolist()) != tables.manifest.outputs:
        raise Mismatch(f"The stack {stack} was built with other classes: build it again with `ensembler stack`.")
    rows = _locate(tables.train["id"], stored["out_of_fold_ids"], stack)
    test_rows = _locate(tables.test["id"], stored["test_ids"], stack)
    labels = tables.train["label"]
    return Outcomes(tables.manifest, labels, rows, stored["out_of_fold"], test_rows, stored["test"])


def _locate(ids: pd.Series, wanted: NDArray[Any], stack: str) -> Rows:
    index = pd.Index(ids)
    rows = index.get_indexer(pd.Index(wanted.astype(object))) if index.is_unique else np.array([-1])
    if (rows < 0).any() or len(rows) != len(wanted):
        raise Mismatch(f"The stack {stack} was built with other photos: build it again with `ensembler stack`.")
    return np.asarray(rows, np.int64)


def load_member_outcomes(folder: CompetitionFolder, tables: Tables, folds: Folds, record: MemberRecord) -> Outcomes:
    """Load the out-of-fold predictions of a finished member, and its mean predictions of test photos.

    Raises
    ------
    BadData, Mismatch
        If a fold is damaged or unfinished, or has other photos.
    """
    rows, test_rows = np.flatnonzero(folds.scored), np.flatnonzero(tables.readable_test)
    known, test = read_member(folder, tables, folds, record, rows, test_rows)
    return Outcomes(tables.manifest, tables.train["label"], rows, known, test_rows, test)


def read_member(
    folder: CompetitionFolder, tables: Tables, folds: Folds, record: MemberRecord, rows: Rows, test_rows: Rows
) -> tuple[Floats, Floats]:
    """Read what a member said of some photos, fold by fold, so that little is in memory.

    Parameters
    ----------
    rows, test_rows
        Rows of the training table that are held out at least once, and rows of the test table.

    Returns
    -------
    tuple
        Out-of-fold probabilities of the labelled photos, means over the repeats, and mean probabilities of the test
        photos over all folds, shape (photos, outputs) each.
    """
    outputs = len(tables.manifest.outputs)
    known, test = np.zeros((len(rows), outputs), np.float32), np.zeros((len(test_rows), outputs), np.float32)
    train_ids, test_ids = (table["id"].to_numpy(dtype=object) for table in (tables.train, tables.test))
    readable = np.flatnonzero(tables.readable_test)
    for split in range(record.folds_count):
        predictions, _ = load_fold(folder, record, split)
        if tuple(predictions.classes.tolist()) != tables.manifest.outputs:
            raise Mismatch(f"The predictions of {record.name} are for other classes: train it again with --restart.")
        held_out = folds.mask_held_out(split)
        held = held_out[rows]
        wanted = rows[held]
        places = np.searchsorted(np.flatnonzero(held_out), wanted)
        known[held] += _pick(predictions.held_out_ids, predictions.held_out, places, train_ids[wanted], record.name)
        if len(test_rows):
            places = np.searchsorted(readable, test_rows)
            test += _pick(predictions.test_ids, predictions.test, places, test_ids[test_rows], record.name)
    times = (folds.assigned[rows] != NOT_HELD_OUT).sum(axis=1)[:, None]
    return known / np.maximum(times, 1), test / max(1, record.folds_count)


def _pick(ids: NDArray[Any], values: Floats, places: Rows, wanted: NDArray[Any], member: str) -> Floats:
    """Return the rows of ``values`` whose ids are ``wanted``; ``places`` is where they nearly always are."""
    inside = places < len(ids)
    if not inside.all() or ids[places].tolist() != wanted.tolist():
        index = pd.Index(ids.astype(object))
        places = index.get_indexer(pd.Index(wanted)) if index.is_unique else np.full(len(wanted), -1)
    if (places < 0).any() or not np.isfinite(found := values[places]).all():
        raise Mismatch(f"The predictions of {member} lack photos: train it again with --restart.")
    return found
