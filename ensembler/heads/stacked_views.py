"""Features of several views of the same photos, indexed like one array without a copy of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..process_memory import release_pages


class Rows(Protocol):
    """Features: an array of shape (rows, width), or an object that is indexed like one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the number of rows and of columns."""

    def __getitem__(self, rows: NDArray[Any], /) -> NDArray[np.float32]:
        """Copy rows by their numbers or by a mask."""


class StackedViews:
    """Features of the first view of all photos, then of the second, and so on.

    Parameters
    ----------
    views
        Features of shape (photos, width) each. Memory-mapped files are released after each copy.
    photos
        Numbers of the photos to use. None uses all.
    """

    def __init__(self, views: Sequence[NDArray[np.float32]], photos: NDArray[np.int64] | None = None) -> None:
        self._views = views
        self._photos = np.arange(len(views[0])) if photos is None else photos
        self.shape = (len(views) * len(self._photos), views[0].shape[1])

    def __getitem__(self, rows: NDArray[Any], /) -> NDArray[np.float32]:
        """Copy rows by their numbers or by a mask."""
        numbers = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        copied = np.empty((len(numbers), self.shape[1]), np.float32)
        view, photo = np.divmod(numbers, len(self._photos))
        for number, features in enumerate(self._views):
            mine = view == number
            copied[mine] = features[self._photos[photo[mine]]]
            release_pages(features)
        return copied

    def copy_all(self) -> NDArray[np.float32]:
        """Copy all rows."""
        return self[np.arange(self.shape[0])]
