"""A competition made from a local folder, with part of its labelled photos held out for prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ...errors import BadChoice, BadData, format_count
from ..manifest import AnswerLayout, Manifest, TestLayout
from ..photo_files import PhotoFiles
from ..sets.class_folders import find_known_classes
from ..sets.leaving_out import leave_out_others
from ..sets.photo_sets import list_test_folders
from ..tables import read_photo_groups
from ..task import ROTATIONS
from .class_names import find_class_names
from .classes import find_task
from .doubts import report_classes, report_unused_tables
from .evidence import Evidence
from .hints import Hints
from .joined_groups import join_groups
from .known import list_known_positives
from .labelled_photos import find_labelled_photos
from .labels import extract_label, tabulate_labelled_photos
from .layout import choose_metric, list_known_metrics

ID_COLUMN = "id"
# Stands for units of several classes.
_SEVERAL = "\0several"


def find_local_layout(
    photos: PhotoFiles, name: str, hints: Hints, sample: Path, evidence: Evidence | None = None, slug: str = ""
) -> Manifest:
    """Detect the layout of a folder without a sample submission, which will be written to ``sample``.

    The submission has a column per class, or for two classes a column of the last one. ``slug`` identifies a known
    competition. Errors are those of :func:`.layout.find_labelled_photos`.
    """
    evidence = Evidence() if evidence is None else evidence
    if hints.placeholder:
        raise BadChoice(f"--placeholder needs a sample submission, and {photos.root} contains none: leave it out.")
    photos, left_out = leave_out_others(photos, hints.leave_out, evidence)
    metrics = list_known_metrics(slug, hints, "")
    labelled = find_labelled_photos(photos, None, hints, evidence, metrics[0] if metrics else None)
    task, classes = find_task(labelled.labels)
    positives = [known for known in list_known_positives(hints.like or slug) if known in classes]
    if task == "binary" and (last := hints.positive or next(iter(positives), "")):
        if last not in classes:
            raise BadChoice.from_unknown_name("class", last, classes)
        classes = (next(name for name in classes if name != last), last)
    outputs = classes[-1:] if task == "binary" else classes
    first, *others = list_test_folders(photos, evidence) or labelled.layout.folders
    report_classes(labelled.labels, classes, evidence)
    manifest = Manifest(
        name=name,
        slug="",
        task=task,
        classes=classes,
        photos=str(photos.root),
        train=labelled.layout,
        test=TestLayout(first, tuple(others)),
        answer=AnswerLayout(str(sample), ID_COLUMN, outputs, "probabilities"),
        metric=choose_metric(task, "probabilities", hints.metric, metrics, evidence).name,
        class_names=find_class_names(photos.root, classes),
        leave_out=(*left_out, *labelled.unlabelled),
    )
    report_unused_tables(photos, manifest, None, evidence)
    return manifest


def choose_test_photos(
    manifest: Manifest, photos: PhotoFiles, pictures: dict[str, str], share: float, seed: int
) -> tuple[list[str], pd.DataFrame]:
    """Choose the photos to predict: those of test folders, else a ``share`` of each class, between 0 and 1.

    Photos of one picture or one group stay together. ``pictures`` maps the path of each readable photo to its picture.

    Returns
    -------
    tuple
        Ids to predict, and the table of their hidden labels (id, label). Photos of test folders have hidden labels if
        their folders or names are those of classes.
    """
    photos = photos.leave_out(manifest.leave_out)
    if manifest.test.folder != manifest.train.folder:
        inside = [photos.select_inside(folder).paths for folder in manifest.test.folders]
        hidden = pd.DataFrame(sorted(find_hidden_labels(manifest, photos).items()), columns=["id", "label"])
        return list(dict.fromkeys(path for paths in inside for path in paths)), hidden
    if not 0 < share < 1:
        raise BadChoice(f"--test-size must be between 0 and 1. Received: {share}")
    table = tabulate_labelled_photos(manifest, photos)
    askable = pictures.keys() & set(photos.select_inside_any(manifest.test.folders).paths)
    table = table[table["path"].isin(askable)]
    # Photos of one group or one picture are drawn as one unit.
    groups = read_photo_groups(table["path"], manifest, photos)
    joined = join_groups(table["path"], [groups, table["path"].map(pictures)])
    units = joined.where(joined != "", table["path"])
    chosen = _draw_share_of_each_class(table["label"], units, share, seed)
    hidden = table.loc[units.isin(chosen)]
    if hidden.empty or len(hidden) == len(table):
        count = format_count(table, "photo")
        raise BadData(f"A share of {share} of {count} cannot be held out: add photos, or change --test-size.")
    return hidden["id"].tolist(), hidden[["id", "label"]]


def find_hidden_labels(manifest: Manifest, photos: PhotoFiles) -> dict[str, str]:
    """Return the label of each photo to predict whose folder or name is that of a class, by its path."""
    labels: dict[str, str] = {}
    if manifest.test.folder == manifest.train.folder or manifest.train.labels == "csv":
        return labels
    for folder in manifest.test.folders:
        paths = photos.select_inside(folder).paths
        if manifest.is_orientation:
            labels |= dict.fromkeys(paths, ROTATIONS[0])
        elif manifest.train.labels == "names":
            found = {path: extract_label(path) for path in paths}
            labels |= found if set(found.values()) <= set(manifest.classes) else {}
        elif in_folders := find_known_classes(folder, list(paths), manifest.classes, manifest.train.class_level):
            labels |= in_folders.by_path
    return labels


def _draw_share_of_each_class(labels: pd.Series, units: pd.Series, share: float, seed: int) -> set[str]:
    """Draw units with about ``share`` of the photos of each class, and leave at least one unit.

    Units of several classes are drawn separately from units of one class. No class is drawn completely.
    """
    random = np.random.default_rng(seed)
    chosen: set[str] = set()
    sizes = units.value_counts()
    several = labels.groupby(units).transform("nunique") > 1
    first = ~units.duplicated()
    for _, members in units[first].groupby(labels[first].where(~several[first], _SEVERAL), sort=True):
        order = random.permutation(members.to_numpy(dtype=object))
        photos = sizes.loc[order].to_numpy().cumsum()
        nearest = int(np.abs(photos - share * photos[-1]).argmin()) + 1
        chosen.update(order[: min(nearest, len(members) - 1)])
    for _, members in units.groupby(labels, sort=True):
        if chosen.issuperset(members):
            chosen.remove(members.iloc[0])
    return chosen
