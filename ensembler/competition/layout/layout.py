"""Detection of a competition's layout from its files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ...errors import MissingHint, format_count, format_first
from ..label_rows import read_label_rows
from ..manifest import SEPARATOR, AnswerLayout, Manifest, TrainLayout
from ..metrics.metrics import Metric, choose_default_metric, find_metric, resolve_metric
from ..photo_files import PhotoFiles
from ..sample_submission import SampleSubmission, find_sample, make_relative
from ..tag_cells import BLANK, LIST, detect_separator, split_cell
from ..task import AnswerKind, LabelSource, Task
from .class_names import find_class_names
from .classes import OneHot, decide_task
from .evidence import Evidence
from .findings import add_labels_finding, report_classes, report_rows, report_test_photos, report_unused_tables
from .groups import find_groups, parse_groups
from .known import find_known_competition, require_known_competition
from .label_tables import LabelTable, find_label_table, resolve_label_table
from .labels import extract_folder_label, extract_label, has_labels_in_folders, has_labels_in_names
from .left_out import report_undecodable
from .not_classification import refuse_columns, refuse_measurements, refuse_metric
from .photo_sets import find_test_layout, find_training_set
from .readable_tables import refuse_unclear_tables
from .sample_cells import are_probabilities, spell_like_sample
from .tags import Tags, are_tags_in_rows, find_tag_separator


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
    placeholder: str | None = None
    incomplete_labels: bool = False
    incomplete_photos: bool = False
    conflicting_labels: bool = False
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
    sample = sample or find_sample(root, hints.sample, evidence.doubt)
    if sample is None:
        raise MissingHint(f"No file in {root} has the name of a sample submission: name it with --sample FILE.")
    sample = replace(sample, placeholder=hints.placeholder or "")
    refuse_columns(sample.columns, sample.path)
    test = find_test_layout(photos, sample)
    metrics = list_known_metrics(slug, hints, metric)
    known_metric = metrics[0] if metrics else None
    labelled = find_labelled_photos(photos, sample, hints, evidence, known_metric)
    spelling = _find_spelling(labelled.labels, sample, root, evidence)
    shown = sample.respell_cells(spelling) if spelling else sample
    separator = _choose_answer_separator(labelled.labels, shown, labelled.layout.separator)
    task, classes, kind = decide_task(
        labelled.labels,
        shown,
        hints.like or slug,
        hints.positive,
        takes_labels=known_metric.takes_labels if known_metric else None,
        needs_positive=known_metric is not None and known_metric.name == "f1",
        separator=separator,
    )
    report_classes(labelled.labels, classes, evidence)
    report_test_photos(photos, test, sample, evidence)
    known = find_known_competition(slug)
    manifest = Manifest(
        name=name,
        slug=slug,
        task=task,
        classes=classes,
        photos=photos_at,
        train=labelled.layout,
        test=test,
        answer=AnswerLayout(
            make_relative(sample.path, root),
            sample.id_column,
            sample.columns,
            kind,
            separator=separator if kind == "tags" and separator != BLANK else "",
            labels=tuple(spelling[name] for name in classes) if spelling and kind == "label" else (),
            placeholder=sample.placeholder,
        ),
        metric=choose_metric(task, kind, hints.metric, metrics, evidence).name,
        code_only=bool(known and known.code_only),
        class_names=find_class_names(root, classes),
    )
    report_unused_tables(photos, manifest, sample, evidence)
    return manifest


def _find_spelling(
    labels: pd.Series | OneHot | Tags, sample: SampleSubmission, root: Path, evidence: Evidence
) -> dict[str, str]:
    """Return how the sample spells each class; empty if it spells them like the labels."""
    if not isinstance(labels, pd.Series) or len(sample.columns) > 1:
        return {}
    classes = [name for name in labels.unique() if name]
    if len(classes) == 2 and are_probabilities(sample.cells):
        return {}
    texts = spell_like_sample(sample.cells, classes, root)
    if texts:
        evidence.doubt(
            f"{make_relative(sample.path, root)} spells the classes otherwise than the labels, and the CSV follows it: "
            f"{format_first([f'{name} is {text}' for name, text in zip(classes, texts, strict=True)])}."
        )
    return dict(zip(classes, texts, strict=True)) if texts else {}


def _choose_answer_separator(labels: pd.Series | OneHot | Tags, sample: SampleSubmission, of_labels: str) -> str:
    """Return the separator of tags in the CSV: that of the sample's cells, else that of the labels."""
    if not isinstance(labels, Tags) or len(sample.columns) > 1:
        return BLANK
    for separator in (detect_separator(sample.cells), of_labels or BLANK):
        if any(len(split_cell(cell, separator)) > 1 for cell in sample.cells) or separator == LIST:
            return separator
    return of_labels or BLANK


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
    labelled = _find_labels(folder, inside, sample, hints, metric, evidence)
    add_labels_finding(photos.root, labelled.layout, labelled.by_path, evidence)
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
    folder: str,
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    hints: Hints,
    metric: Metric | None,
    evidence: Evidence,
) -> LabelledPhotos:
    if hints.labels in _LABEL_READERS:
        return _read_from_paths(folder, photos, _LABEL_READERS[hints.labels])
    if hints.labels:
        table = resolve_label_table(hints.labels, photos, folder)
        return _read_from_table(table, folder, photos, sample, hints, metric, evidence)
    in_folders = has_labels_in_folders(photos, folder)
    found = find_label_table(photos, sample, evidence, by_name_only=in_folders and not hints.label_column)
    from_table = _read_from_table(found, folder, photos, sample, hints, metric, evidence) if found else None
    if in_folders:
        from_folders = _read_from_paths(folder, photos, "folders")
        if from_table is None:
            return from_folders
        known = from_table.by_path[~from_table.by_path.index.duplicated()]
        if (known == from_folders.by_path[known.index]).all():
            return from_folders
        evidence.doubt(
            f"The labels are those of {from_table.layout.file}, although the photos are in folders with other names: "
            "use the folders with --labels folders."
        )
    if from_table is not None:
        return from_table
    refuse_unclear_tables(photos, sample, has_names=has_labels_in_names(photos))
    if has_labels_in_names(photos):
        return _read_from_paths(folder, photos, "names")
    raise MissingHint(
        f"The photos in {photos.root / folder} have no labels: neither file names (cat.12.jpg), nor a folder per "
        "class, nor a table contain them; name the table with --labels FILE."
    )


_LABEL_READERS: dict[str, LabelSource] = {"names": "names", "folders": "folders"}


def _read_from_paths(folder: str, photos: PhotoFiles, source: LabelSource) -> LabelledPhotos:
    """Read the labels from the names of files or folders."""
    labels = [extract_label(path) if source == "names" else extract_folder_label(path) for path in photos.paths]
    by_path = pd.Series(labels, index=list(photos.paths), dtype=str)
    return LabelledPhotos(TrainLayout(folder, source), by_path, by_path)


def _read_from_table(
    label_table: LabelTable,
    folder: str,
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    hints: Hints,
    metric: Metric | None,
    evidence: Evidence,
) -> LabelledPhotos:
    columns = label_table.choose_columns(sample, hints.label_column)
    layout = TrainLayout(
        folder,
        "csv",
        make_relative(label_table.path, photos.root),
        label_table.id_column,
        columns,
        incomplete=hints.incomplete_labels,
        missing_photos=hints.incomplete_photos,
        conflicting=hints.conflicting_labels,
    )
    rows = read_label_rows(layout, photos)
    report_rows(rows, layout, evidence)
    used = rows.table["path"] != ""
    several = rows.contradicting & used
    if hints.conflicting_labels:
        used &= ~several
    labels, paths = rows.text[used], rows.table.loc[used, "path"]
    by_path = pd.Series(labels.to_numpy(), index=paths, dtype=str)
    by_path = by_path[~by_path.index.duplicated()]
    if len(columns) > 1:
        flags = rows.table.loc[used, list(rows.columns)].set_axis(list(columns), axis=1)
        return LabelledPhotos(layout, OneHot.read(flags, label_table.path), by_path)
    separator = find_tag_separator(labels, sample, metric)
    if separator is None and not hints.conflicting_labels and are_tags_in_rows(paths, metric):
        evidence.doubt(
            f"{layout.file} has several rows with different labels for {format_count(paths[several].unique(), 'photo')}"
            ", so each photo may have several labels: if these rows are mistakes, leave such photos out with "
            "--conflicting-labels."
        )
        separator = SEPARATOR
    if separator is None:
        return LabelledPhotos(layout, labels, by_path)
    return LabelledPhotos(replace(layout, separator=separator.strip()), Tags.split(labels, separator), by_path)
