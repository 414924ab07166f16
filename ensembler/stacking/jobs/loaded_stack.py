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
    """A stack in memory, with the methods of a scikit-learn classifier; :func:`load_stack` makes one.

    Examples
    --------
    >>> stack = load_stack("stack.keras")  # doctest: +SKIP
    >>> stack.classes  # doctest: +SKIP
    ('cat', 'dog')
    >>> stack.predict(["1.jpg", "2.jpg"])  # doctest: +SKIP
    array(['dog', 'cat'], dtype='<U3')
    >>> stack.predict_proba(["1.jpg", "2.jpg"])  # doctest: +SKIP
    array([[0.02, 0.98],
           [0.91, 0.09]], dtype=float32)


    Attributes
    ----------
    card
        Description of the stack in its file: name, task, classes, members, sizes of photos.
    network
        The Keras model, from pixels of 0 to 255 to probabilities; of two classes it gives the second one's alone.

    Examples
    --------
    >>> stack = ensembler.load_stack("data/pets/stacks/first/stack.keras")
    >>> stack.predict(["photos/dogs/1.png", "photos/cats/0.png"]).shape
    (2,)
    """

    def __init__(self, card: StackCard, network: Any) -> None:
        self.card = card
        self.network = network

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes, in the order of the columns of :meth:`predict_proba`."""
        return self.card.classes

    def predict(
        self,
        paths: Sequence[str | os.PathLike[str]],
        *,
        batch_size: int = BATCH_SIZE,
        skip_unreadable: bool = False,
        progress: Progress = SILENT,
    ) -> NDArray[Any]:
        """Predict the classes of photos, as a scikit-learn classifier does.

        Parameters
        ----------
        paths, batch_size, skip_unreadable, progress
            As :meth:`predict_proba` takes them.

        Returns
        -------
        array
            The most probable of ``classes`` for each photo, shape (photos,). Of a multi-label stack 1 where a class is
            more probable than not, else 0, shape (photos, classes). A photo that was skipped has an empty name, or -1.
        """
        predicted = self.predict_proba(paths, batch_size=batch_size, skip_unreadable=skip_unreadable, progress=progress)
        unreadable = np.isnan(predicted)
        if self.card.task == "multilabel":
            return np.where(unreadable, -1, predicted > 0.5).astype(np.int64)
        names = np.array(self.classes)[np.where(unreadable, 0, predicted).argmax(axis=1)]
        return np.where(unreadable[:, 0], "", names)

    def predict_proba(
        self,
        paths: Sequence[str | os.PathLike[str]],
        *,
        batch_size: int = BATCH_SIZE,
        skip_unreadable: bool = False,
        progress: Progress = SILENT,
    ) -> NDArray[np.float32]:
        """Predict the probability of each class; threads decode the next photos while the network is busy.

        Parameters
        ----------
        paths
            Files of photos.
        batch_size
            Photos that go through the network at once.
        skip_unreadable
            Give rows of NaN for photos that cannot be decoded, and warn of each, rather than raise.
        progress
            Receives warnings, and the number of photos done.

        Returns
        -------
        array of shape (photos, classes)
            In the order of ``paths`` and of ``classes``. Rows sum to 1, except those of a multi-label stack.

        Raises
        ------
        UnreadablePhoto
            If a photo cannot be decoded.
        BadData
            If the network returns NaN or infinity.
        """
        files = [Path(path) for path in paths]
        predicted, problems = predict_photos(self.network, files, batch_size, progress, skip_unreadable=skip_unreadable)
        for problem in problems.values():
            progress.warn(str(problem))
        # The network of a binary task gives the probability of the second class alone.
        return np.hstack([1 - predicted, predicted]) if self.card.task == "binary" else predicted


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

    Examples
    --------
    >>> stack = ensembler.load_stack("data/pets/stacks/first/stack.keras")
    >>> stack.classes
    ('cats', 'dogs')
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
    stack = load_stack(spec["model"])
    predicted = stack.predict_proba(paths, batch_size=spec["batch_size"], skip_unreadable=True, progress=progress)
    write_arrays(Path(spec["predictions"]), probabilities=predicted[:, -len(stack.card.outputs) :])
    return {}
