"""Reading of the files of ``--exclude`` and ``--relabel``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from ...errors import BadChoice, format_count, format_first
from ...progress import Progress
from ..tables import Tables, encode_labels
from .corrections import Corrections, describe_ids, list_photo_ids
from .files import CorrectionsFile, normalise_label


def read_corrections(tables: Tables, exclude: str | None, relabel: str | None, progress: Progress) -> Corrections:
    """Read the photos to exclude, and those with other labels, and report what has no effect.

    A table with a column ``suggestion``, such as ``check/doubts.csv``, excludes its rows ``exclude`` and relabels its
    rows ``relabel``. Without that column, all rows count. A photo that is both excluded and relabelled is excluded.

    Parameters
    ----------
    exclude
        Path of a table with a column ``id`` or ``path``, or of a text file with an id on each line. None excludes
        nothing.
    relabel
        Path of a table with such a column, and with a column ``new_label`` or ``label``. None relabels nothing.

    Raises
    ------
    BadChoice
        If a file cannot be read or names unknown photos or labels, a photo gets two labels, a class would have no
        photo left, or the rotations of an orientation task are relabelled.
    """
    if relabel is not None and tables.manifest.is_orientation:
        raise BadChoice(
            "--relabel is not for an orientation task, in which the rotation is the label: turn the file itself, or "
            "leave the photo out with --exclude."
        )
    files = [CorrectionsFile.read(exclude, "--exclude") if exclude is not None else None]
    files += [CorrectionsFile.read(relabel, "--relabel") if relabel is not None else None]
    named = files[0].find_excluded(tables, progress) if files[0] else set[str]()
    labels = files[1].find_new_labels(tables, progress) if files[1] else {}
    ids = list(dict.fromkeys(list_photo_ids(tables)))
    same = {one for one in _list_unchanged(tables, labels) if one not in named}
    corrections = Corrections(
        tuple(one for one in ids if one in named),
        {one: labels[one] for one in ids if one in labels and one not in named | same},
    )
    _check_classes(tables, corrections)
    for file in {each.path: each for each in files if each}.values():
        _report_other_suggestions(file, progress)
    # A file for both options may serve only one of them.
    if not corrections or exclude != relabel:
        _warn_without_effect(exclude, relabel, corrections, progress)
    if same and corrections.relabelled:
        progress.note(f"{relabel} changes nothing for {describe_ids(_sort(same, ids))}, whose label is the same.")
    if both := [one for one in ids if one in named and one in labels]:
        progress.note(f"Excluded, although {relabel} gives another label: {describe_ids(both)}.")
    if bare := [one for one, label in corrections.relabelled.items() if not label]:
        progress.note(f"{relabel} takes all tags from {describe_ids(bare)}.")
    return corrections


def _sort(chosen: Collection[str], order: Iterable[str]) -> list[str]:
    return [one for one in order if one in chosen]


def _list_unchanged(tables: Tables, labels: Mapping[str, str]) -> list[str]:
    """List the photos whose new label is the present one. Tags may be in another order."""
    present = dict(zip(tables.train["id"], tables.train["label"], strict=True))
    return [one for one, label in labels.items() if label == normalise_label(present[one], tables.manifest)]


def _report_other_suggestions(file: CorrectionsFile, progress: Progress) -> None:
    if words := file.list_other_suggestions():
        progress.warn(
            f"{format_count(words, 'row')} of {file.path} with the suggestion {format_first(sorted(set(words)))} "
            f"{'have' if words[1:] else 'has'} no effect: known are exclude and relabel."
        )


def _warn_without_effect(
    exclude: str | None, relabel: str | None, corrections: Corrections, progress: Progress
) -> None:
    if exclude is not None and not corrections.excluded:
        progress.warn(f"{exclude} excludes no photo: it has no row that says so.")
    if relabel is not None and not corrections.relabelled:
        progress.warn(f"{relabel} relabels no photo: it has no row with another label.")


def _check_classes(tables: Tables, corrections: Corrections) -> None:
    """Refuse corrections that leave a class without a photo."""
    if not corrections or tables.manifest.is_orientation:
        if corrections and set(list_photo_ids(tables)) == set(corrections.excluded):
            raise BadChoice("--exclude would leave no photo to learn from: exclude fewer.")
        return
    ids = tables.train["id"]
    excluded, labels = ids.isin(corrections.excluded), tables.train["label"]
    after = labels.where(~ids.isin(corrections.relabelled), ids.map(dict(corrections.relabelled)))[~excluded]
    lost = [
        name
        for name, had, has in zip(
            tables.manifest.classes, _count_classes(labels, tables), _count_classes(after, tables), strict=True
        )
        if had and not has
    ]
    if lost:
        raise BadChoice(
            f"--exclude and --relabel would leave no photo of the class {format_first(lost)} to learn from: correct "
            "fewer photos."
        )


def _count_classes(labels: pd.Series, tables: Tables) -> list[int]:
    """Count the photos of each class."""
    counts = [int(count) for count in encode_labels(labels, tables.manifest).sum(axis=0)]
    # A binary task has a column for its second class only.
    return counts if len(counts) == len(tables.manifest.classes) else [len(labels) - counts[0], counts[0]]
