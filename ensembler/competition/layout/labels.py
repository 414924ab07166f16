"""Labels of the training photos, from file names, folders or a CSV."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from ...errors import BadData, format_count
from ..label_rows import read_flags, read_label_rows, settle_rows
from ..manifest import SEPARATOR, Manifest
from ..photo_files import PhotoFiles
from ..photo_ids import normalise_text
from ..photo_names import extract_folder, extract_stem
from ..sets.set_names import find_set
from ..tag_cells import BLANK
from ..task import ROTATIONS


def extract_label(path: str) -> str:
    """Return the part of a photo's name before its number (``cat`` of ``cat.12.jpg``), or an empty string."""
    # Windows writes the number in parentheses: "lemon (1).jpg".
    stem = re.sub(r"\((\d+)\)$", r"\1", normalise_text(extract_stem(path)))
    bare = stem.rstrip("0123456789")
    label = re.sub(r"[\W_]+$", "", bare)
    return label if bare != stem and re.search(r"[^\W\d_]", label) else ""


def has_labels_in_names(photos: PhotoFiles) -> bool:
    """Return whether file names consist of a label and a number, with few labels and several photos of each."""
    counts = Counter(map(extract_label, photos.paths))
    return "" not in counts and 2 <= len(counts) <= len(photos.paths) / 2 and min(counts.values()) >= 2


def tabulate_labelled_photos(
    manifest: Manifest, photos: PhotoFiles, to_predict: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """Return the table of labelled photos, with the columns id, path and label.

    Several labels of one photo are joined by ``|``. The photos ``to_predict``, given by their paths, need no label.
    Photos without a label, labels without a photo, and labels outside the manifest's classes raise ``BadData``.
    """
    layout = manifest.train
    photos = photos.leave_out(manifest.leave_out)
    inside = photos.select_inside_any(layout.folders)
    to_learn = inside.exclude(to_predict | _find_test_photos(inside, manifest))
    if layout.labels == "csv":
        table = _read_from_csv(manifest, inside, to_learn)
    else:
        table = _read_from_names(manifest, to_learn)
    _check_classes(table, manifest)
    return table


def _read_from_names(manifest: Manifest, to_learn: PhotoFiles) -> pd.DataFrame:
    layout, paths = manifest.train, to_learn.paths
    if layout.labels == "rotations":
        # The photos are stored upright. A path is an id that an added photo leaves as it is.
        return pd.DataFrame({"id": paths, "path": paths, "label": ROTATIONS[0]})
    if layout.labels == "names":
        labels = {path: extract_label(path) for path in paths}
    else:
        # A photo in no folder of a class, such as an overview, is left out.
        labels = {path: label for path in paths if (label := layout.extract_class(extract_folder(path)))}
    if not labels:
        raise BadData(
            f"No photo in {', '.join(layout.folders)} of {to_learn.root} is in a folder of a class: correct [train] in "
            "competition.toml."
        )
    stems = list(map(extract_stem, labels))
    # Ids are file names without suffix if those are unique.
    ids = stems if len(set(stems)) == len(stems) else list(labels)
    return pd.DataFrame({"id": ids, "path": list(labels), "label": list(labels.values())})


def _find_test_photos(photos: PhotoFiles, manifest: Manifest) -> frozenset[str]:
    """Return the photos of test folders inside the training folders."""
    train = manifest.train.folders
    are_named = any(find_set(f"{folder}/photo") == "test" for folder in train)
    named = set() if are_named else {path for path in photos.paths if find_set(path) == "test"}
    nested = [
        folder
        for folder in manifest.test.folders
        if folder != "." and any(base == "." or folder.startswith(base + "/") for base in train)
    ]
    return frozenset(named.union(*(photos.select_inside(folder).paths for folder in nested)))


def _read_from_csv(manifest: Manifest, photos: PhotoFiles, to_learn: PhotoFiles) -> pd.DataFrame:
    layout = manifest.train
    rows = read_label_rows(layout, photos)
    are_tags = manifest.task == "multilabel" and len(layout.columns) == 1
    table = settle_rows(rows, layout, photos, (layout.separator or BLANK) if are_tags else None)
    missed = to_learn.exclude(set(rows.table["path"])).paths
    if missed and not layout.incomplete:
        raise BadData(
            f"{rows.source} has no label for {format_count(missed, 'photo')} of {', '.join(layout.folders)} "
            f"(first: {missed[0]}): add labels, or skip such photos with --incomplete-labels."
        )
    table["label"] = _join_columns(table[list(rows.columns)], manifest, rows.source)
    return table[["id", "path", "label"]]


def _join_columns(labels: pd.DataFrame, manifest: Manifest, source: Path) -> pd.Series:
    if labels.shape[1] == 1:
        return labels.iloc[:, 0]
    names = np.array(manifest.classes, dtype=object)
    given = read_flags(labels, manifest.train.columns, source).to_numpy(dtype=bool)
    return pd.Series([SEPARATOR.join(names[row]) for row in given], index=labels.index, dtype=str)


def find_unknown_labels(labels: pd.Series, manifest: Manifest) -> pd.Series:
    """Return the labels that are not classes of the manifest; several labels of a photo are joined by ``|``."""
    known = set(manifest.classes)
    if manifest.task == "multilabel":
        labels, known = labels.str.split(SEPARATOR, regex=False).explode(), known | {""}
    return labels[~labels.isin(known)]


def _check_classes(table: pd.DataFrame, manifest: Manifest) -> None:
    strange = find_unknown_labels(table["label"], manifest)
    if len(strange):
        raise BadData(
            f"The labels of {format_count(strange, 'training photo')} are not in `classes` of competition.toml (first: "
            f"{strange.iloc[0]!r}): correct the labels or the classes."
        )
