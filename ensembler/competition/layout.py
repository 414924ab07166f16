"""Find out a competition's layout from its files alone; ask where that cannot be done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from ..errors import BadChoice, BadData, Question
from .classes import OneHot, Tags, decide_task
from .csv_tables import read_table
from .labels import folders_tell_labels, label_in_name, names_tell_labels
from .manifest import AnswerLayout, LabelSource, Manifest, TestLayout, TrainLayout
from .photo_files import PhotoFiles, common_folder
from .sample_submission import SampleSubmission, csv_files, find_sample, looks_like_sample, relative

_LABEL_NAMES = ("label", "labels", "class", "target", "category", "species", "breed", "tags", "classname")
# What may follow "train" and "test" in a folder's name; "trainers" may be a class.
_SET_ENDINGS = "(?:ing|set|data|images?|imgs?|photos?|pictures?|pics?)?"


@dataclass(frozen=True)
class Hints:
    """A person's answers to what could not be found out; None where nothing was said."""

    positive: str | None = None
    labels: str | None = None
    label_column: str | None = None
    sample: str | None = None
    incomplete_labels: bool = False


@dataclass(frozen=True)
class Training:
    """Labelled photos as found: where, from what, and the label of each as text, tags or one-hot columns."""

    layout: TrainLayout
    labels: pd.Series | OneHot | Tags


def find_layout(root: Path, name: str, slug: str, hints: Hints, photos_at: str) -> Manifest:
    """Find out the layout of a competition unpacked in ``root``.

    Parameters
    ----------
    root
        Folder with the photos, the label table if there is one, and the sample submission.
    name, slug
        The competition's name here and on Kaggle; competitions known by their slug answer some questions.
    hints
        A person's answers.
    photos_at
        How the manifest shall name ``root``.

    Raises
    ------
    Question
        If something cannot be found out.
    BadData
        If photos, labels and sample submission do not fit each other.
    """
    photos = PhotoFiles.below(root)
    sample = find_sample(root, hints.sample)
    if sample is None:
        raise Question(f"Which file in {root} is the sample submission? Answer with --sample FILE.")
    test = _test_photos(photos, sample)
    training = find_training(photos, sample, hints)
    task, classes, kind = decide_task(training.labels, sample, slug, hints.positive)
    return Manifest(
        name=name,
        slug=slug,
        task=task,
        classes=classes,
        photos=photos_at,
        train=training.layout,
        test=TestLayout(test),
        answer=AnswerLayout(relative(sample.path, root), sample.id_column, sample.columns, kind),
    )


def _test_photos(photos: PhotoFiles, sample: SampleSubmission) -> str:
    """Find the folder of the photos to predict: one named test, else the one with the sample's ids."""
    named = in_set(photos, "test")
    inside = PhotoFiles(photos.root, tuple(named)) if named else photos
    matched = [path for identity in sample.ids if (path := inside.find(identity))]
    if not matched:
        raise BadData(
            f"{sample.path} asks for ids like {sample.ids[0]!r}, but no photo in "
            f"{photos.root / common_folder(inside.paths)} has such a name: name another file with --sample."
        )
    return set_folder(named, "test") if named else common_folder(matched)


def find_training(photos: PhotoFiles, sample: SampleSubmission | None, hints: Hints) -> Training:
    """Find the labelled photos and where their labels come from.

    Raises
    ------
    Question
        If neither names, folders nor a CSV tell the labels, or several CSVs could.
    """
    paths = in_set(photos, "train")
    folder = set_folder(paths, "train") if paths else common_folder(_rest(photos))
    inside = PhotoFiles(photos.root, tuple(paths or _rest(photos)))
    table = _label_table(inside, sample, hints)
    if table is not None:
        return _from_table(table, folder, inside, sample, hints)
    if folders_tell_labels(inside, folder):
        return Training(TrainLayout(folder, "folders"), pd.Series([PurePosixPath(p).parent.name for p in inside.paths]))
    if names_tell_labels(inside):
        return Training(TrainLayout(folder, "names"), pd.Series([label_in_name(p) for p in inside.paths]))
    raise Question(
        f"Where are the labels of the photos in {photos.root / folder}? Neither file names (cat.12.jpg), nor a folder "
        "per class, nor a CSV tell them; name the CSV with --labels FILE."
    )


def in_set(photos: PhotoFiles, word: str) -> list[str]:
    """Paths below a folder whose name has ``word`` in it, such as ``train_images``."""
    return [path for path in photos.paths if _set_depth(path, word)]


def set_folder(paths: list[str], word: str) -> str:
    """Return the folder that names the set, the common one if there are several."""
    folders = {"/".join(PurePosixPath(path).parts[: _set_depth(path, word)]) for path in paths}
    return folders.pop() if len(folders) == 1 else common_folder(paths)


def _set_depth(path: str, word: str) -> int:
    """Count the leading parts of ``path`` that lead to the folder named after the set; 0 if none is."""
    for depth, part in enumerate(PurePosixPath(path).parts[:-1], start=1):
        if re.search(rf"(?<![a-z]){word}{_SET_ENDINGS}(?![a-z])", part.lower()):
            return depth
    return 0


def _rest(photos: PhotoFiles) -> list[str]:
    return [path for path in photos.paths if not _set_depth(path, "test")]


def _label_table(photos: PhotoFiles, sample: SampleSubmission | None, hints: Hints) -> Path | None:
    """Find the CSV whose ids are the photos' names."""
    if hints.labels:
        path = photos.root / hints.labels
        if not path.is_file():
            raise BadChoice(f"There is no {path}: --labels takes a path relative to {photos.root}.")
        return path
    candidates = [
        path
        for path in csv_files(photos.root)
        if not looks_like_sample(path) and (sample is None or path != sample.path) and _id_column(path, photos)
    ]
    likely = [path for path in candidates if re.search("train|label", path.stem.lower())] or candidates
    if len(likely) > 1:
        names = ", ".join(relative(path, photos.root) for path in likely)
        raise Question(f"Which table holds the labels: {names}? Answer with --labels FILE.")
    return likely[0] if likely else None


def _id_column(path: Path, photos: PhotoFiles) -> str:
    """Name of the column that holds photos' names, judged on the first rows; empty if there is none."""
    head = read_table(path, rows=200)
    matches = {str(column): sum(bool(photos.find(value)) for value in head[column]) for column in head.columns}
    best = max(matches, key=lambda column: matches[column], default="")
    return best if best and matches[best] * 2 >= len(head) and len(head.columns) > 1 and matches[best] else ""


def _from_table(path: Path, folder: str, photos: PhotoFiles, sample: SampleSubmission | None, hints: Hints) -> Training:
    id_column = _id_column(path, photos)
    if not id_column:
        raise BadData(
            f"No column of {path} holds the names of photos in {photos.root / folder} beside one of labels: "
            "correct it, or name another file with --labels."
        )
    table = read_table(path)
    columns = _label_columns(table, id_column, sample, hints, path)
    source: LabelSource = "csv"
    layout = TrainLayout(folder, source, relative(path, photos.root), id_column, columns, hints.incomplete_labels)
    if len(columns) > 1:
        return Training(layout, OneHot.read(table[list(columns)], path))
    values = table[columns[0]].str.strip()
    return Training(layout, Tags.split(values) if Tags.fits(values) else values)


def _label_columns(
    table: pd.DataFrame, id_column: str, sample: SampleSubmission | None, hints: Hints, path: Path
) -> tuple[str, ...]:
    others = [str(column) for column in table.columns if column != id_column]
    if hints.label_column:
        if hints.label_column not in others:
            raise BadChoice.unknown("label column", hints.label_column, others)
        return (hints.label_column,)
    wanted = sample.columns if sample else ()
    if wanted and set(wanted) <= set(others):
        return wanted
    likely = [column for column in others if column.lower() in _LABEL_NAMES]
    if len(others) == 1 or len(likely) == 1:
        return tuple(likely or others)
    if sample is None and table[others].isin(["0", "1"]).all(axis=None):
        return tuple(others)
    raise Question(f"Which column of {path} holds the label: {', '.join(others)}? Answer with --label-column COLUMN.")
