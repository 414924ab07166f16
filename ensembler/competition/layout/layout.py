"""Find out a competition's layout from its files alone; ask where that cannot be done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ...errors import Question
from ..csv_tables import read_table
from ..manifest import AnswerLayout, Manifest, TrainLayout
from ..metrics.metrics import Metric, default_metric, metric_for, metric_named
from ..photo_files import PhotoFiles
from ..photo_names import folder_of, name_of
from ..sample_submission import SampleSubmission, find_sample, relative
from ..task import AnswerKind, LabelSource, Task
from .class_names import find_class_names
from .classes import OneHot, decide_task
from .groups import find_groups, named_groups
from .known import known_competition
from .label_tables import LabelTable, find_label_table, named_label_table
from .labels import folders_tell_labels, label_in_name, names_tell_labels
from .not_classification import refuse_columns, refuse_measurements, refuse_metric
from .photo_sets import photos_to_predict, training_set
from .readable_tables import refuse_unreadable
from .tags import Tags, are_tags


@dataclass(frozen=True)
class Hints:
    """A person's answers to what could not be found out; None where nothing was said."""

    positive: str | None = None
    labels: str | None = None
    label_column: str | None = None
    sample: str | None = None
    incomplete_labels: bool = False
    groups: str | None = None
    metric: str | None = None


@dataclass(frozen=True)
class Training:
    """Labelled photos as found: where, from what, and the label of each as text, tags or one-hot columns.

    ``by_path`` has each photo's label as text, whatever its kind.
    """

    layout: TrainLayout
    labels: pd.Series | OneHot | Tags
    by_path: pd.Series


def find_layout(root: Path, name: str, slug: str, hints: Hints, photos_at: str, metric: str = "") -> Manifest:
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
    metric
        What judges the competition, by our name or Kaggle's; empty, or one of those that we do not know, falls back
        on what is known by the slug, and then on what fits the sample submission.

    Raises
    ------
    Question
        If something cannot be found out.
    BadChoice
        If an answer does not fit.
    BadData
        If photos, labels and sample submission do not fit each other, or no classes of whole photos are asked for.
    """
    if not hints.metric:
        refuse_metric(metric)
    photos = PhotoFiles.below(root)
    sample = find_sample(root, hints.sample)
    if sample is None:
        raise Question(f"Which file in {root} is the sample submission? Answer with --sample FILE.")
    refuse_columns(sample.columns, sample.path)
    test = photos_to_predict(photos, sample)
    told = _metrics_told(slug, hints, metric)
    judge = metric_named(told[0]) if told else None
    training = find_training(photos, sample, hints, judge)
    task, classes, kind = decide_task(
        training.labels,
        sample,
        slug,
        hints.positive,
        takes_labels=judge.takes_labels if judge else None,
        confirmed=bool(hints.metric),
    )
    known = known_competition(slug)
    return Manifest(
        name=name,
        slug=slug,
        task=task,
        classes=classes,
        photos=photos_at,
        train=training.layout,
        test=test,
        answer=AnswerLayout(relative(sample.path, root), sample.id_column, sample.columns, kind),
        metric=_metric_name(task, kind, hints.metric, told),
        code_only=bool(known and known.code_only),
        class_names=find_class_names(root, classes),
    )


def metric_is_guess(slug: str, hints: Hints, metric: str) -> bool:
    """Whether nobody told what judges a competition, given as to :func:`find_layout`, so its manifest's is a guess."""
    return not _metrics_told(slug, hints, metric)


def _metrics_told(slug: str, hints: Hints, metric: str) -> list[str]:
    """Names of metrics that we know, as a person, Kaggle and the table of competitions told them, in that order."""
    known = known_competition(slug)
    return [text for text in (hints.metric, metric, known.metric if known else "") if text and metric_named(text)]


def _metric_name(task: Task, kind: AnswerKind, named: str | None, told: list[str]) -> str:
    """Return our name of the metric: a person's, or the first of those told that can judge the task."""
    if named:
        return metric_for(named, task).name
    for text in told:
        judge = metric_named(text)
        if judge and task in (judge := judge.for_task(task)).tasks:
            return judge.name
    return default_metric(task, kind).name


def find_training(
    photos: PhotoFiles, sample: SampleSubmission | None, hints: Hints, judge: Metric | None = None
) -> Training:
    """Find the labelled photos, where their labels come from, and which of them belong together.

    ``judge`` is what judges the competition, if that is known.

    Raises
    ------
    Question
        If neither names, folders nor a CSV tell the labels, or several CSVs could.
    BadData
        If what the CSV tells are no classes.
    """
    folder, inside = training_set(photos)
    training = _find_labels(folder, inside, sample, hints, judge)
    if training.layout.labels == "csv":
        _refuse_other_tasks(training, photos.root, sample, hints)
    groups = named_groups(hints.groups, inside) if hints.groups else find_groups(inside, training.by_path, sample)
    if groups is None:
        return training
    layout = replace(training.layout, groups=groups.file, group_id_column=groups.id_column, group_column=groups.column)
    return replace(training, layout=layout)


def _refuse_other_tasks(training: Training, root: Path, sample: SampleSubmission | None, hints: Hints) -> None:
    """Refuse a table of masks, boxes or measurements; of the last, a person may say that they are classes."""
    source = root / training.layout.file
    refuse_columns(training.layout.columns, source)
    # Where each class has its column, the labels are compared with those.
    one_column = sample is None or len(sample.columns) == 1
    if isinstance(training.labels, pd.Series) and one_column and not hints.metric:
        refuse_measurements(training.by_path, source, training.layout.columns[0])


def _find_labels(
    folder: str, photos: PhotoFiles, sample: SampleSubmission | None, hints: Hints, judge: Metric | None
) -> Training:
    if hints.labels:
        return _from_table(named_label_table(hints.labels, photos, folder), folder, photos, sample, hints, judge)
    in_folders = folders_tell_labels(photos, folder)
    table = find_label_table(photos, sample, clear_only=in_folders and not hints.label_column)
    told = _from_table(table, folder, photos, sample, hints, judge) if table else None
    if in_folders:
        by_path = pd.Series({path: name_of(folder_of(path)) for path in photos.paths}, dtype=str)
        if told is None or (told.by_path == by_path[told.by_path.index]).all():
            return Training(TrainLayout(folder, "folders"), by_path, by_path)
    if told is not None:
        return told
    if names_tell_labels(photos):
        by_path = pd.Series({path: label_in_name(path) for path in photos.paths}, dtype=str)
        return Training(TrainLayout(folder, "names"), by_path, by_path)
    refuse_unreadable(photos.root, sample)
    raise Question(
        f"Where are the labels of the photos in {photos.root / folder}? Neither file names (cat.12.jpg), nor a folder "
        "per class, nor a CSV tell them; name the CSV with --labels FILE."
    )


def _from_table(
    found: LabelTable,
    folder: str,
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    hints: Hints,
    judge: Metric | None,
) -> Training:
    columns = found.columns(sample, hints.label_column)
    table = read_table(found.path, columns=[found.id_column, *columns])
    source: LabelSource = "csv"
    file = relative(found.path, photos.root)
    layout = TrainLayout(folder, source, file, found.id_column, columns, hints.incomplete_labels)
    values = table[list(columns)].apply(lambda column: column.str.strip())
    text = values[columns[0]] if len(columns) == 1 else values.sum(axis=1)
    by_path = pd.Series(text.to_numpy(), index=table[found.id_column].map(photos.find), dtype=str)
    # A row of no photo and no label, such as that of a file .DS_Store, says nothing.
    text = text[(by_path.index != "") | (text != "").to_numpy()]
    by_path = by_path[by_path.index != ""]
    if len(columns) > 1:
        return Training(layout, OneHot.read(values.loc[text.index], found.path), by_path)
    return Training(layout, Tags.split(text) if are_tags(text, sample, judge) else text, by_path)
