"""The stack of a file, which predicts any photos."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Mismatch
from ...options.arguments import Count, Paths, check_arguments
from ...paths import PathLike
from ...progress import SILENT, Progress
from ..card import StackCard, read_card
from .prediction import open_network, predict_listed_photos, predict_photos

BATCH_SIZE = 32


class LoadedStack:
    """A stack in memory with the methods of a scikit-learn classifier, loaded by :func:`load_stack`.

    Attributes
    ----------
    card
        Description of the stack in its file: name, task, classes, members, sizes of photos.
    network
        Keras model from pixels of 0 to 255 to probabilities. Of two classes, it returns only the second.

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
        """All classes in the order of the columns of :meth:`predict_proba`."""
        return self.card.classes

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The classes as an array, as scikit-learn's classifiers name them."""
        return np.array(self.classes)

    @check_arguments
    def predict(
        self,
        paths: Paths,
        *,
        batch_size: Count = BATCH_SIZE,
        skip_unreadable: bool = False,
        progress: Progress = SILENT,
    ) -> NDArray[Any]:
        """Predict the classes of photos. The parameters are those of :meth:`predict_proba`.

        Returns
        -------
        array
            Most probable class of each photo, shape (photos,). A multi-label stack returns 1 for each class whose
            probability is above 0.5 and otherwise 0, shape (photos, classes). Skipped photos have an empty name or -1.
        """
        predicted = self.predict_proba(paths, batch_size=batch_size, skip_unreadable=skip_unreadable, progress=progress)
        unreadable = np.isnan(predicted)
        if self.card.task == "multilabel":
            return np.where(unreadable, -1, predicted > 0.5).astype(np.int64)
        names = np.array(self.classes)[np.where(unreadable, 0, predicted).argmax(axis=1)]
        return np.where(unreadable[:, 0], "", names)

    @check_arguments
    def predict_proba(
        self,
        paths: Paths,
        *,
        batch_size: Count = BATCH_SIZE,
        skip_unreadable: bool = False,
        progress: Progress = SILENT,
    ) -> NDArray[np.float32]:
        """Predict the probability of each class. Threads decode the next photos while the network predicts.

        Parameters
        ----------
        paths
            Paths of the photos. A single one needs no list.
        batch_size
            Number of photos in a batch.
        skip_unreadable
            Whether to warn of photos that cannot be decoded and return rows of NaN, instead of raising.
        progress
            Receiver of warnings and of the number of finished photos.

        Returns
        -------
        array of shape (photos, classes)
            Probabilities in the order of ``paths`` and ``classes``. Rows sum to 1 unless the stack is multi-label.

        Raises
        ------
        UnreadablePhoto
            If a photo cannot be decoded.
        BadData
            If the network returns NaN or infinity.
        """
        files = [Path(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
        predicted, problems = predict_photos(
            self.network, files, batch_size, progress, self.card.pixel_rule, skip_unreadable=skip_unreadable
        )
        for problem in problems.values():
            progress.warn(str(problem))
        # The network of a binary task returns only the second class.
        return np.hstack([1 - predicted, predicted]) if self.card.task == "binary" else predicted


@check_arguments
def load_stack(path: PathLike) -> LoadedStack:
    """Load a stack from its ``stack.keras``, which needs no other file.

    Raises
    ------
    BadChoice
        If the file does not exist.
    BadData
        If the file cannot be read or has no card.
    Mismatch
        If another version wrote the file, or its network does not match its card.

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
            f"{file} has inputs of {sizes} pixels and {network.output_shape[-1]} outputs, but its card describes "
            f"{card.image_sizes} and {len(card.outputs)}: build the stack again."
        )
    return LoadedStack(card, network)


def predict_files(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Predict photos in a job.

    Parameters
    ----------
    spec
        Options of the job. ``model``: the stack's file. ``photos``: a JSON file with the list of photos.
        ``batch_size``: number of photos in a batch. ``predictions``: the ``.npz`` file to write, with ``probabilities``
        of shape (photos, outputs).
    progress
        Receiver of finished photos.

    Returns
    -------
    dict
        A :class:`.PredictionReport`. Photos that cannot be decoded have rows of NaN.
    """
    stack = load_stack(spec["model"])
    return predict_listed_photos(stack.network, stack.card.pixel_rule, spec, progress)
