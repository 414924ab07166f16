"""Detection of a competition's layout from its files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ...errors import MissingHint
from ..csv_tables import read_table
from ..manifest import AnswerLayout, Manifest, TrainLayout
from ..metrics.metrics import Metric, choose_default_metric, find_metric, resolve_metric
from ..photo_files import PhotoFiles
from ..photo_names import extract_folder, extract_name
from ..sample_submission import SampleSubmission, find_sample, make_relative
from ..task import AnswerKind, LabelSource, Task
from .class_names import find_class_names
from .classes import OneHot, decide_task
from .evidence import Evidence
from .findings import add_labels_finding
from .groups import find_groups, parse_groups
from .known import find_known_competition, require_known_competition
from .label_tables import LabelTable, find_label_table, resolve_label_table
from .labels import extract_label, has_labels_in_folders, has_labels_in_names
from .left_out import report_undecodable
from .not_classification import refuse_columns, refuse_measurements, refuse_metric
from .photo_sets import find_test_layout, find_training_set
from .readable_tables import refuse_unreadable
from .tags import Tags, are_tags


@dataclass(frozen=True)
class Hints:
    """Properties of a competition that the user sets; None detects them.

    Examples
    --------
    >>> hints = ensembler.Hints(positive="dogs", metric="accuracy")
    >>> ensembler.adopt(Path("photos"), "pets-by-accuracy", hints=hints).metric
    'accuracy'
    """

    positive: str | None = None
    labels: str | None = None
    label_column: str | None = None
    sample: str | None = None
    incomplete_labels: bool = False
    groups: str | None = None
    metric: str | None = None
    like: str | None = None


@dataclass(frozen=True)
class LabelledPhotos:
    """Layout of the labelled photos, and their labels as text, tags or one-hot columns.

    ``by_path`` contains the label of each photo as text.
    """

    layout: TrainLayout
    labels: pd.Series | OneHot | Tags
    by_path: pd.Series


def find_layout(
    root: Path,
    name: str,
    slug: str,
    hints: Hints,
    photos_at: str,
    metric: str = "",
    evidence: Evidence | None = None,
    sample: SampleSubmission | None = None,
) -> Manifest:
    """Detect the layout of a competition unpacked in ``root``.

    Parameters
    ----------
    root
        Folder with the photos, the sample submission, and the table of labels if there is one.
    name, slug
        Local name of the competition, and its slug on Kaggle, which identifies known competitions.
    hints
        Properties that the user sets.
    photos_at
        Path of ``root`` in the manifest.
    metric
        Name of the metric here or on Kaggle. If it is empty or unknown, the slug decides, then the sample submission.
    evidence
        Collector of what is found and what is not used.
    sample
        The sample submission. None searches it below ``root``.

    Raises
    ------
    MissingHint
        If a property cannot be detected.
    BadChoice
        If a hint does not fit.
    BadData
        If photos, labels and sample submission do not match, or the task is not a classification of whole photos.
    """
    evidence = Evidence() if evidence is None else evidence
    if not hints.metric:
        refuse_metric(metric)
    photos = PhotoFiles.list_below(root)
    sample = sample or find_sample(root, hints.sample)
    if sample is None:
        raise MissingHint(f"No file in {root} has the name of a sample submission: name it with --sample FILE.")
    refuse_columns(sample.columns, sample.path)
    test = find_test_layout(photos, sample)
    metrics = list_known_metrics(slug, hints, metric)
    known_metric = metrics[0] if metrics else None
    labelled = find_labelled_photos(photos, sample, hints, evidence, known_metric)
    task, classes, kind = decide_task(
        labelled.labels,
        sample,
        hints.like or slug,
        hints.positive,
        takes_labels=known_metric.takes_labels if known_metric else None,
        confirmed=bool(hints.metric),
    )
    known = find_known_competition(slug)
    return Manifest(
        name=name,
        slug=slug,
        task=task,
        classes=classes,
        photos=photos_at,
        train=labelled.layout,
        test=test,
        answer=AnswerLayout(make_relative(sample.path, root), sample.id_column, sample.columns, kind),
        metric=choose_metric(task, kind, hints.metric, metrics, evidence).name,
        code_only=bool(known and known.code_only),
        class_names=find_class_names(root, classes),
    )


def is_metric_guessed(slug: str, hints: Hints, metric: str) -> bool:
    """Return whether the manifest's metric is a guess, since hints, Kaggle's ``metric`` and slug do not name one."""
    return not list_known_metrics(slug, hints, metric)


def describe_metric_source(slug: str, hints: Hints, metric: str) -> str:
    """Describe who named the metric: the user, Kaggle, the table of known competitions, or nobody."""
    if hints.metric:
        return "chosen with --metric"
    if metric and find_metric(metric):
        return "named by Kaggle"
    if not list_known_metrics(slug, hints, metric):
        return "a guess, since nobody names it"
    return f"the known metric of {hints.like or slug}"


def list_known_metrics(slug: str, hints: Hints, metric: str) -> list[Metric]:
    """Return the known metrics in the hints, on Kaggle and in the table of competitions."""
    known = require_known_competition(hints.like) if hints.like else find_known_competition(slug)
    names = (hints.metric, metric, known.metric if known else "")
    return [found for name in names if name and (found := find_metric(name))]


def choose_metric(task: Task, kind: AnswerKind, named: str | None, metrics: list[Metric], evidence: Evidence) -> Metric:
    """Return the metric in the hints, or the first known one that supports the task.

    A metric that stands in for one that does not support the task is a doubt.
    """
    fitting = (metric.resolve_for_task(task) for metric in metrics)
    default = choose_default_metric(task, kind)
    chosen = resolve_metric(named, task) if named else next((one for one in fitting if task in one.tasks), default)
    if metrics and chosen.name != metrics[0].name and task not in metrics[0].tasks:
        evidence.doubt(
            f"The metric {metrics[0].name} is not for a {task} task, so {chosen.name} is used instead: choose another "
            "with --metric NAME."
        )
    return chosen


def find_labelled_photos(
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    hints: Hints,
    evidence: Evidence,
    metric: Metric | None = None,
) -> LabelledPhotos:
    """Find the labelled photos, the source of their labels, and their groups.

    ``metric`` is the competition's metric, None if it is unknown. Errors are those of :func:`find_layout`.
    """
    report_undecodable(photos, evidence)
    folder, inside = find_training_set(photos)
    labelled = _find_labels(folder, inside, sample, hints, metric)
    add_labels_finding(labelled.layout, labelled.by_path, evidence)
    if labelled.layout.labels == "csv":
        _refuse_other_tasks(labelled, photos.root, sample, hints)
    groups = parse_groups(hints.groups, inside) if hints.groups else find_groups(inside, labelled.by_path, sample)
    if groups is None:
        return labelled
    layout = replace(labelled.layout, groups=groups.file, group_id_column=groups.id_column, group_column=groups.column)
    return replace(labelled, layout=layout)


def _refuse_other_tasks(labelled: LabelledPhotos, root: Path, sample: SampleSubmission | None, hints: Hints) -> None:
    """Refuse a table of masks, boxes or measurements; a hint may declare measurements to be classes."""
    source = root / labelled.layout.file
    refuse_columns(labelled.layout.columns, source)
    # If each class has a column, the labels are compared with the columns instead.
    one_column = sample is None or len(sample.columns) == 1
    if isinstance(labelled.labels, pd.Series) and one_column and not hints.metric:
        refuse_measurements(labelled.by_path, source, labelled.layout.columns[0])


def _find_labels(
    folder: str, photos: PhotoFiles, sample: SampleSubmission | None, hints: Hints, metric: Metric | None
) -> LabelledPhotos:
    if hints.labels:
        return _read_from_table(
            resolve_label_table(hints.labels, photos, folder), folder, photos, sample, hints, metric
        )
    in_folders = has_labels_in_folders(photos, folder)
    table = find_label_table(photos, sample, by_name_only=in_folders and not hints.label_column)
    from_table = _read_from_table(table, folder, photos, sample, hints, metric) if table else None
    if in_folders:
        by_path = pd.Series({path: extract_name(extract_folder(path)) for path in photos.paths}, dtype=str)
        if from_table is None or (from_table.by_path == by_path[from_table.by_path.index]).all():
            return LabelledPhotos(TrainLayout(folder, "folders"), by_path, by_path)
    if from_table is not None:
        return from_table
    if has_labels_in_names(photos):
        by_path = pd.Series({path: extract_label(path) for path in photos.paths}, dtype=str)
        return LabelledPhotos(TrainLayout(folder, "names"), by_path, by_path)
    refuse_unreadable(photos.root, sample)
    raise MissingHint(
        f"The photos in {photos.root / folder} have no labels: neither file names (cat.12.jpg), nor a folder per "
        "class, nor a CSV contain them; name the CSV with --labels FILE."
    )


def _read_from_table(
    label_table: LabelTable,
    folder: str,
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    hints: Hints,
    metric: Metric | None,
) -> LabelledPhotos:
    columns = label_table.choose_columns(sample, hints.label_column)
    table = read_table(label_table.path, columns=[label_table.id_column, *columns])
    source: LabelSource = "csv"
    file = make_relative(label_table.path, photos.root)
    layout = TrainLayout(folder, source, file, label_table.id_column, columns, hints.incomplete_labels)
    values = table[list(columns)].apply(lambda column: column.str.strip())
    text = values[columns[0]] if len(columns) == 1 else values.sum(axis=1)
    by_path = pd.Series(text.to_numpy(), index=table[label_table.id_column].map(photos.find), dtype=str)
    # A row without photo and label, such as that of a file .DS_Store, is ignored.
    text = text[(by_path.index != "") | (text != "").to_numpy()]
    by_path = by_path[by_path.index != ""]
    if len(columns) > 1:
        return LabelledPhotos(layout, OneHot.read(values.loc[text.index], label_table.path), by_path)
    return LabelledPhotos(layout, Tags.split(text) if are_tags(text, sample, metric) else text, by_path)
