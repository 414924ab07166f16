"""Detection of a competition's layout from its files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ...errors import MissingHint, format_first
from ..manifest import AnswerLayout, Manifest
from ..metrics.metrics import Metric, choose_default_metric, find_metric, resolve_metric
from ..photo_files import PhotoFiles
from ..sample_submission import SampleSubmission, find_sample, make_relative
from ..sets.leaving_out import leave_out_others
from ..sets.photo_sets import find_test_layout
from ..tag_cells import BLANK, detect_separator, split_cell
from ..task import AnswerKind, Task
from .class_names import find_class_names
from .classes import OneHot, decide_task
from .doubts import report_classes, report_placeholders, report_test_photos, report_unused_tables
from .evidence import SPELLING, Evidence
from .hints import Hints
from .known import find_known_competition, require_known_competition
from .labelled_photos import find_labelled_photos
from .not_classification import refuse_columns, refuse_metric
from .sample_cells import are_probabilities, spell_like_sample
from .tags import Tags, normalise_name


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
    if hints.placeholder:
        sample = sample.declare_placeholder(hints.placeholder)
    refuse_columns(sample.columns, sample.path)
    photos, left_out = leave_out_others(photos, hints.leave_out, evidence)
    test = find_test_layout(photos, sample)
    metrics = list_known_metrics(slug, hints, metric)
    known_metric = metrics[0] if metrics else None
    labelled = find_labelled_photos(photos, sample, hints, evidence, known_metric, test)
    spelling = _find_spelling(labelled.labels, sample, root, evidence)
    shown = sample.respell(spelling) if spelling else sample
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
    if kind == "label":
        report_placeholders(shown, root, classes, evidence)
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
        leave_out=(*left_out, *labelled.unlabelled),
    )
    report_unused_tables(photos, manifest, sample, evidence)
    return manifest


def _find_spelling(
    labels: pd.Series | OneHot | Tags, sample: SampleSubmission, root: Path, evidence: Evidence
) -> dict[str, str]:
    """Return how the sample spells each class; empty if it spells them like the labels."""
    if not isinstance(labels, pd.Series):
        return {}
    classes = [name for name in labels.unique() if name]
    if len(sample.columns) > 1:
        plain = set(map(normalise_name, classes))
        # Similar names are matched in any case.
        if any(normalise_name(column) in plain for column in sample.columns):
            return {}
        texts, source = spell_like_sample(sample.columns, classes, root)
    elif len(classes) == 2 and are_probabilities(sample.cells):
        return {}
    else:
        texts, source = spell_like_sample(sample.cells, classes, root)
    if texts:
        named = format_first([f"{name} is {text}" for name, text in zip(classes, texts, strict=True)])
        where = f", as in {make_relative(source, root)}" if source else ""
        evidence.doubt(
            f"{make_relative(sample.path, root)} spells the classes otherwise than the labels, and the CSV follows it: "
            f"{named}{where}."
        )
        if source:
            rule = "it names each class as the sample submission does"
            evidence.add_finding(SPELLING, named, make_relative(source, root), rule)
    return dict(zip(classes, texts, strict=True)) if texts else {}


def _choose_answer_separator(labels: pd.Series | OneHot | Tags, sample: SampleSubmission, of_labels: str) -> str:
    """Return the separator of tags in the CSV: that of the sample's cells, else that of the labels."""
    if not isinstance(labels, Tags) or len(sample.columns) > 1:
        return BLANK
    seen = detect_separator(sample.cells)
    for separator in (seen if seen != BLANK else of_labels, of_labels, BLANK):
        if separator and {word for cell in sample.cells for word in split_cell(cell, separator)} <= set(labels.classes):
            return separator
    return seen


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
