"""Detection of a competition's layout from its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ...errors import MissingHint
from ..csv_tables import read_table
from ..manifest import FOLDERS, AnswerLayout, Manifest, TestLayout, TrainLayout
from ..metrics.metrics import Metric, choose_default_metric, find_metric, resolve_metric
from ..photo_files import PhotoFiles
from ..photo_names import extract_stem
from ..sample_submission import SampleSubmission, find_sample, make_relative
from ..sets.labelled_folders import LabelledFolders, find_labelled_folders
from ..sets.leaving_out import leave_out_others
from ..sets.photo_sets import TrainingSet, find_test_layout, find_training_set
from ..task import AnswerKind, LabelSource, Task
from .class_names import find_class_names
from .classes import OneHot, decide_task
from .evidence import Evidence
from .findings import add_labels_finding
from .groups import find_groups, parse_groups
from .known import find_known_competition, require_known_competition
from .label_tables import LabelTable, find_label_table, resolve_label_table
from .labels import extract_label, has_labels_in_names
from .left_out import report_undecodable
from .not_classification import refuse_columns, refuse_measurements, refuse_metric
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

    ``by_path`` contains the label of each photo as text. ``strays`` are photos among them that have none.
    """

    layout: TrainLayout
    labels: pd.Series | OneHot | Tags
    by_path: pd.Series
    strays: tuple[str, ...] = ()


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
    photos, left_out = leave_out_others(photos, evidence)
    test = find_test_layout(photos, sample)
    metrics = list_known_metrics(slug, hints, metric)
    known_metric = metrics[0] if metrics else None
    labelled = find_labelled_photos(photos, sample, hints, evidence, known_metric, test)
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
        leave_out=(*left_out, *labelled.strays),
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
    test: TestLayout | None = None,
) -> LabelledPhotos:
    """Find the labelled photos, the source of their labels, and their groups.

    ``metric`` is the competition's metric, and ``test`` has the folders to predict; both are None if unknown. The
    errors are those of :func:`find_layout`.
    """
    report_undecodable(photos, evidence)
    training = find_training_set(photos, evidence, test)
    labelled = _find_labels(training, photos, sample, hints, evidence, metric)
    add_labels_finding(labelled.layout, labelled.by_path, evidence)
    if labelled.layout.labels == "csv":
        _refuse_other_tasks(labelled, photos.root, sample, hints)
    inside = training.select(photos, with_more=True)
    groups = parse_groups(hints.groups, inside) if hints.groups else find_groups(inside, labelled.by_path, sample)
    if groups is None:
        # Folders may be groups, too, unless the user wants none.
        without = replace(labelled.layout, groups="", group_id_column="", group_column="")
        return replace(labelled, layout=without) if hints.groups else labelled
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
    training: TrainingSet,
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    hints: Hints,
    evidence: Evidence,
    metric: Metric | None,
) -> LabelledPhotos:
    inside = training.select(photos)
    if hints.labels:
        named = resolve_label_table(hints.labels, inside, training.folder)
        return _read_with_more(named, training, photos, sample, hints, evidence, metric)
    asked = () if sample is None else sample.columns if len(sample.columns) > 1 else sample.cells
    in_folders = find_labelled_folders(training, asked)
    table = find_label_table(inside, sample, by_name_only=bool(in_folders) and not hints.label_column)
    if in_folders:
        by_path = pd.Series(in_folders.by_path, dtype=str)
        from_table = _read_from_table(table, training.folder, inside, sample, hints, metric) if table else None
        if from_table is None or from_table.by_path.equals(by_path.reindex(from_table.by_path.index)):
            return _use_folders(in_folders, training, by_path, evidence)
    if table is not None:
        return _read_with_more(table, training, photos, sample, hints, evidence, metric)
    if has_labels_in_names(inside):
        return _use_names(training, photos, evidence)
    refuse_unreadable(photos.root, sample)
    raise MissingHint(
        f"The photos in {photos.root / training.folder} have no labels: neither file names (cat.12.jpg), nor a folder "
        "per class, nor a CSV contain them; name the CSV with --labels FILE."
    )


def _use_folders(
    found: LabelledFolders, training: TrainingSet, by_path: pd.Series, evidence: Evidence
) -> LabelledPhotos:
    for doubt in found.doubts:
        evidence.doubt(doubt)
    for path in found.strays:
        evidence.leave_out(path, "it is in no folder of a class")
    for folder in found.unlabelled:
        evidence.leave_out(folder, "its folders are not those of the classes, so its photos have no labels")
    _report_validation(found.folders[len(training.folders) :], evidence)
    first, *more = found.folders
    layout = TrainLayout(first, "folders", more_folders=tuple(more), class_level=found.level)
    if found.group_level:
        layout = replace(layout, groups=FOLDERS, group_id_column="level", group_column=str(found.group_level))
    return LabelledPhotos(layout, by_path, by_path, found.strays)


def _report_validation(folders: Sequence[str], evidence: Evidence) -> None:
    """Record that further folders of labelled photos are used."""
    if folders:
        rule = f"their labels are known; `ensembler folds --hold-out {folders[0]}` holds them out as one fold"
        evidence.add_finding("validation photos", f"learned from, too: {', '.join(folders)}", folders[0], rule)


def _use_names(training: TrainingSet, photos: PhotoFiles, evidence: Evidence) -> LabelledPhotos:
    """Use labels in the names of files. Folders for validation are used if their names have the same labels."""
    by_path = {path: extract_label(path) for path in training.select(photos).paths}
    known, more = set(by_path.values()), []
    for folder, paths in training.more.items():
        labels = {path: extract_label(path) for path in paths}
        if set(labels.values()) <= known:
            more.append(folder)
            by_path |= labels
        else:
            evidence.leave_out(folder, "the names of its photos do not contain known classes")
    _report_validation(more, evidence)
    first, *others = training.folders
    table = pd.Series(by_path, dtype=str)
    return LabelledPhotos(TrainLayout(first, "names", more_folders=(*others, *more)), table, table)


def _read_with_more(
    table: LabelTable,
    training: TrainingSet,
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    hints: Hints,
    evidence: Evidence,
    metric: Metric | None,
) -> LabelledPhotos:
    """Read labels from a table. Folders for validation are used if the table has a label of each photo there."""
    first, *others = training.folders
    inside = training.select(photos)
    labelled = _read_from_table(table, first, inside, sample, hints, metric)
    more = []
    for folder, paths in training.more.items():
        wider = PhotoFiles(photos.root, tuple(sorted([*inside.paths, *paths])))
        tried = _read_from_table(table, first, wider, sample, hints, metric)
        if {*labelled.by_path.index, *paths} <= set(tried.by_path.index):
            labelled, inside = tried, wider
            more.append(folder)
        else:
            file = labelled.layout.file
            evidence.leave_out(
                folder,
                f"its photos have the names of others, so {file} does not tell which are meant"
                if {extract_stem(path) for path in paths} & {extract_stem(path) for path in inside.paths}
                else f"{file} has no label for some of its photos",
            )
    _report_validation(more, evidence)
    return replace(labelled, layout=replace(labelled.layout, more_folders=(*others, *more)))


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
