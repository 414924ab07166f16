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
        raise BadChoice("--refit goes neither with --pseudo-labels nor with --time-budget: leave one of them out.")
    if "pseudo_labels" not in run and "confidence" in run:
        raise BadChoice("--confidence is that of pseudo-labels: name the stack that gives them by --pseudo-labels.")
    if "pseudo_labels" in run and "time_budget" in run:
        raise BadChoice("--time-budget cannot plan with pseudo-labels: leave out one of the two.")
    return run.get("confidence", DEFAULT_CONFIDENCE)


def format_pseudo_options(labeller: Labeller | None) -> list[str]:
    """Return the options of pseudo-labels as words of the command line."""
    source = labeller and labeller.source
    return ["--pseudo-labels", source.stack, "--confidence", f"{source.confidence!r}"] if source else []


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
            f"{record.name} learns from no photo to predict: no label of {labeller.source.stack} is as sure as "
            f"`--confidence {labeller.source.confidence:g}`."
        )
        return
    each = ", ".join(f"{count} in fold {fold}" for fold, count in zip(missing, counts, strict=True))
    photos = format_count(range(labeller.photos), "photo")
    progress.note(f"{record.name} also learns from labels of {labeller.source.stack}, of {photos} to predict: {each}.")
