"""A competition made of a local folder: part of its labelled photos is kept apart to be predicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import BadChoice, BadData
from .classes import OneHot, Tags, sorted_classes
from .labels import labelled_photos
from .layout import Hints, Training, find_training, in_set, set_folder
from .manifest import AnswerLayout, Manifest, Task, TestLayout
from .photo_files import PhotoFiles

ID_COLUMN = "id"


def find_local_layout(photos: PhotoFiles, name: str, hints: Hints, sample: Path) -> Manifest:
    """Find out the layout of a folder that has no sample submission; ``sample`` is where ours will be written.

    The answer has a column per class, named after it; of two classes, the last one alone.

    Raises
    ------
    Question, BadData
        As :func:`ensembler.competition.layout.find_training` does.
    """
    training = find_training(photos, None, hints)
    task, classes = _task_of(training, hints.positive)
    outputs = classes[-1:] if task == "binary" else classes
    test = in_set(photos, "test")
    return Manifest(
        name=name,
        slug="",
        task=task,
        classes=classes,
        photos=str(photos.root),
        train=training.layout,
        test=TestLayout(set_folder(test, "test") if test else training.layout.folder),
        answer=AnswerLayout(str(sample), ID_COLUMN, outputs, "probabilities"),
    )


def _task_of(training: Training, positive: str | None) -> tuple[Task, tuple[str, ...]]:
    labels = training.labels
    if isinstance(labels, Tags):
        return "multilabel", labels.classes
    if isinstance(labels, OneHot):
        return "multiclass" if labels.exclusive else "multilabel", labels.classes
    classes = sorted_classes(labels)
    if len(classes) > 2:
        return "multiclass", classes
    last = positive or classes[-1]
    if last not in classes:
        raise BadChoice.unknown("class", last, classes)
    return "binary", (next(name for name in classes if name != last), last)


def choose_test(
    manifest: Manifest, photos: PhotoFiles, digests: dict[str, str], share: float, seed: int
) -> tuple[list[str], pd.DataFrame]:
    """Choose the photos to predict: those of a test folder, else a share of each class.

    Photos of identical content (the same digest) go to the same side.

    Parameters
    ----------
    manifest, photos
        The layout and the files.
    digests
        Path to a digest of the file's content.
    share
        Share of the labelled photos to keep apart, between 0 and 1.
    seed
        The same seed chooses the same photos.

    Returns
    -------
    tuple
        Ids to predict, and the table of their hidden labels (id, label), empty for a test folder without labels.
    """
    if manifest.test.folder != manifest.train.folder:
        return list(photos.inside(manifest.test.folder).paths), pd.DataFrame()
    if not 0 < share < 1:
        raise BadChoice(f"--test-size is a share of the photos, between 0 and 1. Received: {share}")
    table = labelled_photos(manifest, photos)
    table = table[table["path"].isin(digests.keys())]
    units = table["path"].map(digests)
    chosen = _share_of_each_class(table["label"], units, share, seed)
    hidden = table.loc[units.isin(chosen)]
    if hidden.empty or len(hidden) == len(table):
        raise BadData(f"{len(table)} photos are too few to keep a share of {share} apart; change --test-size.")
    return hidden["id"].tolist(), hidden[["id", "label"]]


def _share_of_each_class(labels: pd.Series, units: pd.Series, share: float, seed: int) -> set[str]:
    """Digests of ``share`` of the different photos of each class; with two or more, at least one on each side."""
    random = np.random.default_rng(seed)
    chosen: set[str] = set()
    first = ~units.duplicated()
    for _, members in units[first].groupby(labels[first], sort=True):
        count = min(max(round(share * len(members)), 1), len(members) - 1)
        chosen.update(random.permutation(members.to_numpy(dtype=object))[:count])
    return chosen
