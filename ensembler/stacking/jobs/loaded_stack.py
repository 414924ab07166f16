"""A stack's file, ready to predict any photos."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Mismatch
from ...progress import SILENT, Progress
from ...serialization import write_arrays
from ..card import StackCard, read_card
from .prediction import open_network, predict_photos

BATCH_SIZE = 32


class LoadedStack:
    """A stack in memory; made by :func:`load_stack`.

    Attributes
    ----------
    card
        What the file says of itself: name, task, members, sizes of photos.
    network
        The Keras model: pixels from 0 to 255 to probabilities.
    """

    def __init__(self, card: StackCard, network: Any) -> None:
        self.card = card
        self.network = network

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes."""
        return self.card.classes

    @property
    def outputs(self) -> tuple[str, ...]:
        """Classes that :meth:`predict` gives a probability for, a column each; in a binary task one of the two."""
        return self.card.outputs

    def predict(
        self,
        paths: Sequence[str | os.PathLike[str]],
        *,
        batch_size: int = BATCH_SIZE,
        skip_unreadable: bool = False,
        progress: Progress = SILENT,
    ) -> NDArray[np.float32]:
        """Predict photos; threads decode each of them once while the network is busy.

        Parameters
        ----------
        paths
            Files of photos.
        batch_size
            Photos that go through the network at once.
        skip_unreadable
            Give rows of NaN for photos that cannot be decoded, and warn of each, rather than raise.
        progress
            Hears how far it is.

        Returns
        -------
        array of shape (photos, outputs)
            Probabilities, in the order of ``paths`` and of ``outputs``.

        Raises
        ------
        UnreadablePhoto
            If a photo cannot be decoded.
        BadData
            If the network gives values that are no numbers.
        """
        files = [Path(path) for path in paths]
        predicted, problems = predict_photos(self.network, files, batch_size, progress, skip_unreadable=skip_unreadable)
        for problem in problems.values():
            progress.warn(str(problem))
        return predicted


def load_stack(path: str | os.PathLike[str]) -> LoadedStack:
    """Load a stack from its ``stack.keras`` alone, wherever it lies.

    Raises
    ------
    BadChoice
        If there is no such file.
    BadData
        If it cannot be read, or does not tell its classes.
    Mismatch
        If another version wrote it, or it contradicts itself.
    """
    file = Path(path)
    card = read_card(file)
    network = open_network(file, "build the stack again, or install the version of Keras that wrote it.")
    sizes = tuple(int(tensor.shape[1]) for tensor in network.inputs)
    if sizes != card.image_sizes or network.output_shape[-1] != len(card.outputs):
        raise Mismatch(
            f"{file} has inputs of {sizes} pixels and {network.output_shape[-1]} outputs, but tells of "
            f"{card.image_sizes} and {len(card.outputs)}: build the stack again."
        )
    return LoadedStack(card, network)


def predict_files(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Predict photos in a job.

    Parameters
    ----------
    spec
        ``model``: the stack's file; ``photos``: a file of JSON that lists photos; ``batch_size``; ``predictions``: the
        ``.npz`` to write, which gets ``probabilities`` of shape (photos, outputs).
    progress
        Hears how far it is, and of photos that cannot be decoded: their rows are NaN.

    Returns
    -------
    dict
        Empty.
    """
    paths = json.loads(Path(spec["photos"]).read_text("utf-8"))
    predicted = load_stack(spec["model"]).predict(
        paths, batch_size=spec["batch_size"], skip_unreadable=True, progress=progress
    )
    write_arrays(Path(spec["predictions"]), probabilities=predicted)
    return {}
