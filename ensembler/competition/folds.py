"""The folds: made once, shared by all members, never silently remade."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import BadChoice, BadData, Mismatch, counted
from ..storage import CompetitionFolder
from .csv_tables import read_table, write_table
from .tables import Tables


def make_folds(labels: pd.Series, groups: pd.Series, folds: int, seed: int) -> NDArray[np.int64]:
    """Assign each row to a fold: classes spread evenly, groups kept together.

    Parameters
    ----------
    labels
        A label per row; rows of several labels are spread by their combination.
    groups
        A group per row, empty for rows on their own.
    folds
        How many, at least 2.
    seed
        The same seed gives the same folds.

    Returns
    -------
    array of shape (rows,)
        Fold numbers from 0.

    Raises
    ------
    BadData
        If there are fewer rows, or groups, than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    units = np.array([f"group-{group}" if group else f"row-{row}" for row, group in enumerate(groups)])
    if (count := len(np.unique(units))) < folds:
        raise BadData(f"{folds} folds need at least {folds} independent training photos, there are {count}.")
    strata = _strata(labels, folds)
    alone = count == len(units)
    splitter: Any = StratifiedKFold if alone else StratifiedGroupKFold
    assigned = np.full(len(labels), -1, dtype=np.int64)
    with warnings.catch_warnings():
        # A class rarer than the folds cannot be in each of them; it is still spread as widely as it goes.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = splitter(folds, shuffle=True, random_state=seed).split(strata, strata, groups=None if alone else units)
        for fold, (_, held_out) in enumerate(parts):
            assigned[held_out] = fold
    return assigned


def _strata(labels: pd.Series, folds: int) -> NDArray[np.int64]:
    """Give each label a number, and all those rarer than the folds one together."""
    counts = labels.map(labels.value_counts())
    codes, _ = pd.factorize(labels.where(counts >= folds, "\0rare"), sort=True)
    return np.asarray(codes, dtype=np.int64)


def shared_folds(folder: CompetitionFolder, tables: Tables, folds: int, seed: int) -> NDArray[np.int64]:
    """Return the competition's folds in the order of its training table; make them if there are none yet.

    Raises
    ------
    BadChoice
        If fewer than two folds are asked for.
    Mismatch
        If the folds on disk are of another number or of other photos.
    """
    if folds < 2:
        raise BadChoice(f"At least 2 folds are needed to predict rows that nothing was fitted on. Received: {folds}")
    if not folder.folds.is_file():
        assigned = make_folds(tables.train["label"], tables.train["group"], folds, seed)
        write_table(folder.folds, pd.DataFrame({"id": tables.train["id"], "fold": assigned}))
        return assigned
    assigned = load_folds(folder, tables)
    if (there := int(assigned.max()) + 1) != folds:
        raise Mismatch(
            f"{folder.folds} has {there} folds, {folds} were asked for: use --folds {there}, or delete that file and "
            f"{folder.root / 'members'} to begin anew."
        )
    return assigned


def load_folds(folder: CompetitionFolder, tables: Tables) -> NDArray[np.int64]:
    """Read the folds, joined to the training table by id.

    Raises
    ------
    Mismatch
        If the ids differ, or a group is in several folds.
    BadData
        If the table is damaged.
    """
    table = read_table(folder.folds)
    if not {"id", "fold"} <= set(table.columns) or not table["fold"].str.fullmatch(r"\d{1,9}").all():
        raise BadData(f"{folder.folds} must have the columns id and fold, a number from 0: correct it or delete it.")
    by_id = pd.Series(table["fold"].astype(np.int64).to_numpy(), index=table["id"])
    if (numbers := sorted(set(by_id))) != list(range(len(numbers))) or len(numbers) < 2:
        raise BadData(f"The folds in {folder.folds} must be numbered 0, 1, ... without a gap: correct it or delete it.")
    if sorted(by_id.index) != sorted(tables.train["id"]):
        raise Mismatch(
            f"{folder.folds} was made for other photos than {folder.train} lists: delete it and "
            f"{folder.root / 'members'} to begin anew."
        )
    assigned = by_id.loc[tables.train["id"]].to_numpy(dtype=np.int64)
    _check_groups_are_whole(assigned, tables.train["group"], folder)
    return assigned


def _check_groups_are_whole(assigned: NDArray[np.int64], groups: pd.Series, folder: CompetitionFolder) -> None:
    """Refuse folds that were made before the groups were known."""
    split = pd.Series(assigned, index=groups.index).groupby(groups).nunique().drop("", errors="ignore") > 1
    if split.any():
        raise Mismatch(
            f"{folder.folds} splits {counted(split[split], 'group')} of {folder.train} (first: {split.idxmax()!r}): "
            f"delete it and {folder.root / 'members'} to begin anew."
        )
