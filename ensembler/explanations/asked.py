"""The photos that are to be explained, and the folds that never saw them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ..competition.folds.folds import Folds
from ..competition.tables import Tables
from ..errors import BadChoice


@dataclass(frozen=True)
class AskedPhoto:
    """A photo that is to be explained.

    Attributes
    ----------
    path
        Absolute path of the photo.
    folds
        Folds whose networks never saw the photo in training. Empty to use the whole stack.
    class_number
        Number of the class to explain. -1 is the predicted class.
    turns
        Quarter turns counter-clockwise by which the photo is rotated first.
    id, label
        Id and label in the competition's tables. Empty for other photos.
    is_training
        Whether it is a training photo, which may have no label if labels are tags.
    """

    path: str
    folds: tuple[int, ...] = ()
    class_number: int = -1
    turns: int = 0
    id: str = ""
    label: str = ""
    is_training: bool = False

    @property
    def name(self) -> str:
        """Name of the photo's file, with the degrees by which it is rotated."""
        return name_photo(Path(self.path), self.turns)


def name_photo(path: Path, turns: int) -> str:
    """Return the name of a photo's file. Rotated copies of a photo have the degrees in their names."""
    return f"{path.stem}@{90 * turns}{path.suffix}" if turns else path.name


class KnownPhotos:
    """The photos of a competition, which are found by their ids and paths.

    Parameters
    ----------
    tables
        Tables of the competition.
    folds
        Folds of its training photos.
    """

    def __init__(self, tables: Tables, folds: Folds) -> None:
        self._tables = tables
        self._folds = folds

    def describe_row(self, row: int) -> AskedPhoto:
        """Return the training photo of a row."""
        found = self._tables.train.iloc[row]
        turns = self._tables.train_turns
        folds = tuple(split for split in range(self._folds.splits) if self._held_out[split][row])
        return AskedPhoto(
            path=str((self._tables.photos / found["path"]).absolute()),
            folds=folds,
            turns=0 if turns is None else int(turns[row]),
            id=str(found["id"]),
            label=str(found["label"]),
            is_training=True,
        )

    def find_id(self, identity: str) -> AskedPhoto:
        """Return the photo with an id.

        Raises
        ------
        BadChoice
            If there is neither a file of this name nor a photo of this id that can be read.
        """
        if (row := self._train_ids.get(identity)) is not None:
            return self.describe_row(row)
        if (path := self._test_paths.get(identity)) is not None:
            return AskedPhoto(path, id=identity, turns=self._test_turns.get(identity, 0))
        near = difflib.get_close_matches(identity, (*self._train_ids, *self._test_paths), n=3, cutoff=0.5)
        such = near or [str(self._tables.train["id"].iloc[0])]
        raise BadChoice(
            f"{identity} is neither a file nor the id of a photo of the competition: name files, folders, or ids such "
            f"as {' or '.join(such)}."
        )

    def find_path(self, path: Path) -> AskedPhoto:
        """Return a photo, with what the competition knows of it."""
        for spelled in (path.absolute(), path.resolve()):
            for root in (self._tables.photos.absolute(), self._root):
                if spelled.is_relative_to(root):
                    below = spelled.relative_to(root).as_posix()
                    if (row := self._train_paths.get(below)) is not None:
                        return self.describe_row(row)
                    if (identity := self._test_ids.get(below)) is not None:
                        return AskedPhoto(str(path.absolute()), id=identity)
        return AskedPhoto(str(path.absolute()))

    @cached_property
    def _root(self) -> Path:
        return self._tables.photos.resolve()

    @cached_property
    def _held_out(self) -> list[np.ndarray]:
        return [self._folds.mask_held_out(split) for split in range(self._folds.splits)]

    @cached_property
    def _train_ids(self) -> dict[str, int]:
        return _number(self._tables.train["id"])

    @cached_property
    def _train_paths(self) -> dict[str, int]:
        return _number(self._tables.train["path"])

    @cached_property
    def _test_paths(self) -> dict[str, str]:
        ids = self._tables.test.loc[self._tables.readable_test, "id"]
        return dict(zip(ids, (str(path.absolute()) for path in self._tables.test_paths), strict=True))

    @cached_property
    def _test_turns(self) -> dict[str, int]:
        turns = self._tables.test_turns
        ids = self._tables.test.loc[self._tables.readable_test, "id"]
        return {} if turns is None else dict(zip(ids, map(int, turns), strict=True))

    @cached_property
    def _test_ids(self) -> dict[str, str]:
        test = self._tables.test.loc[self._tables.readable_test]
        # The first row of a photo that has several is the upright one.
        return dict(zip(test["path"][::-1], test["id"][::-1], strict=True))


def _number(values: pd.Series) -> dict[str, int]:
    """Return the first row of each value."""
    texts: Iterable[str] = values[::-1]
    return dict(zip(texts, range(len(values) - 1, -1, -1), strict=True))
