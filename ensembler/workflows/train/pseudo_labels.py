"""Adds pseudo-labels to the training of members: checks options, writes labels of folds, and reports their number."""

from __future__ import annotations

from ...errors import BadChoice, format_count
from ...members.pseudo_labels.files import save_pseudo_labels
from ...members.pseudo_labels.labeller import Labeller
from ...members.records import MemberRecord
from ...options.declared import RunOptions
from ...options.pseudo_labels import PSEUDO_LABELS_FILE
from ...options.reading import RUN
from ...paths import CompetitionFolder
from ...progress import Progress

DEFAULT_CONFIDENCE: float = RUN["confidence"].default


def read_confidence(run: RunOptions) -> float:
    """Return the requested confidence, and check options that exclude each other.

    Raises
    ------
    BadChoice
        If no stack is named; if there is a time budget, whose plan counts only training photos; or if networks should
        learn from all photos, which excludes pseudo-labels and time budgets.
    """
    if run.get("refit") and ("pseudo_labels" in run or "time_budget" in run):
        raise BadChoice("--refit cannot be combined with --pseudo-labels or --time-budget: omit one of them.")
    if "pseudo_labels" not in run and "confidence" in run:
        raise BadChoice("--confidence applies only to pseudo-labels: add --pseudo-labels STACK, or omit --confidence.")
    if "pseudo_labels" in run and "time_budget" in run:
        raise BadChoice(
            "--time-budget cannot be combined with --pseudo-labels, which it does not plan: omit one of them."
        )
    return run.get("confidence", DEFAULT_CONFIDENCE)


def write_labels(folder: CompetitionFolder, record: MemberRecord, labeller: Labeller, progress: Progress) -> None:
    """Write the pseudo-labels of the unfinished folds of a member, and report their number."""
    missing = record.list_unfinished_folds(folder)
    counts = []
    for fold in progress.track(missing, f"{record.name}: pseudo-labels", len(missing)):
        ids, labels = labeller.select_labels(fold)
        save_pseudo_labels(folder.fold(record.name, fold) / PSEUDO_LABELS_FILE, ids, labels)
        counts.append(len(ids))
    if not missing:
        return
    if not any(counts):
        progress.warn(
            f"{record.name} has no pseudo-labels: the stack {labeller.source.stack} predicts no photo with "
            f"`--confidence {labeller.source.confidence:g}` or more."
        )
        return
    each = ", ".join(f"{count} in fold {fold}" for fold, count in zip(missing, counts, strict=True))
    photos = format_count(range(labeller.photos), "photo")
    progress.note(
        f"{record.name} also learns from pseudo-labels by {labeller.source.stack} of {photos} to predict: {each}."
    )
