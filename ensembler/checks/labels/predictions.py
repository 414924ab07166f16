"""The out-of-fold predictions that labels are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...competition.folds.file import load_folds
from ...competition.samples import compute_samples_fingerprint
from ...competition.tables import Tables
from ...errors import EnsemblerError, format_count
from ...members.predictions import load_members
from ...members.records import MemberRecord, list_trained_members
from ...members.stack_record import list_stacks, load_stack_record
from ...paths import CompetitionFolder
from ...serialization import read_arrays
from ...storage import compute_file_digest


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of training photos by networks, and a meta-learner, that never saw them.

    Attributes
    ----------
    source
        ``stack both``, or ``the mean of 2 members``.
    rows
        Row numbers in the training table, shape (photos,).
    probabilities
        Probabilities of these photos, shape (photos, outputs).
    """

    source: str
    rows: NDArray[np.int64]
    probabilities: NDArray[np.float32]


def load_out_of_fold(folder: CompetitionFolder, tables: Tables, stack: str | None) -> OutOfFold | None:
    """Return the nested predictions of a stack, or the mean of all finished members if there is no stack.

    None if there is neither on the present photos and folds.

    Parameters
    ----------
    stack
        Name of a stack. None uses the newest one on the present photos and folds.
    """
    names = [stack] if stack is not None else list_stacks(folder)
    for name in names:
        if found := _load_stack(folder, tables, name):
            return found
    return _load_mean(folder, tables) if stack is None else None


def _load_stack(folder: CompetitionFolder, tables: Tables, name: str) -> OutOfFold | None:
    try:
        record, stored = load_stack_record(folder, name), read_arrays(folder.stack(name) / "predictions.npz")
    except EnsemblerError:
        # `ensembler status` reports a damaged stack.
        return None
    if record.samples and record.samples != compute_samples_fingerprint(folder, tables.manifest):
        return None
    rows = pd.Index(tables.train["id"]).get_indexer(pd.Index(stored["out_of_fold_ids"]))
    probabilities = stored["out_of_fold"]
    if (rows < 0).any() or probabilities.shape[1] != len(tables.manifest.outputs):
        return None
    return OutOfFold(f"the stack {name}", rows.astype(np.int64), probabilities)


def _load_mean(folder: CompetitionFolder, tables: Tables) -> OutOfFold | None:
    names = _list_usable_members(folder, tables)
    if not names:
        return None
    members = load_members(folder, tables, names)
    mean = np.asarray(np.mean([member.out_of_fold for member in members], axis=0, dtype=np.float64), np.float32)
    source = names[0] if len(names) == 1 else f"the mean of {format_count(names, 'member')}"
    return OutOfFold(source, np.flatnonzero(load_folds(folder, tables).scored), mean)


def _list_usable_members(folder: CompetitionFolder, tables: Tables) -> list[str]:
    """Return the finished members on the present photos and folds."""
    if not folder.folds.is_file():
        return []
    samples, folds = compute_samples_fingerprint(folder, tables.manifest), compute_file_digest(folder.folds)
    usable = []
    for name in list_trained_members(folder):
        try:
            record = MemberRecord.load(folder, name)
            if (record.samples, record.folds) == (samples, folds) and not record.list_unfinished_folds(folder):
                usable.append(name)
        except EnsemblerError:
            # `ensembler status` reports a damaged member.
            continue
    return usable
