"""Displays the folds or makes new ones, and names the results that new folds make obsolete."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..callers import address_caller
from ..competition.duplicates import DuplicateCounts, count_duplicates, find_twins, load_duplicates
from ..competition.folds.file import build_folds, build_held_out_fold, format_folds, load_folds
from ..competition.folds.folds import Folds
from ..competition.tables import Tables, read_photo_tables
from ..errors import BadChoice, BadData, Mismatch, format_count
from ..locks import hold_lock
from ..members.records import MemberRecord, list_trained_members
from ..members.stack_record import list_stacks, load_stack_record
from ..options.arguments import Count, check_arguments
from ..options.kinds import Seed
from ..paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, Workspace, WorkspaceLike
from ..progress import SILENT, Progress
from ..serialization import compute_text_digest
from ..storage import compute_file_digest, write_text
from ..tables import Shown, Table
from .fetch.tables import open_refreshed_competition

# With more classes than this, a single column shows the largest deviation of any class instead of all shares.
MAX_CLASS_COLUMNS = 8


@dataclass(frozen=True)
class SplitStatistics:
    """Held-out photos of a split.

    Attributes
    ----------
    split, repeat, fold
        Numbers of the split, of its repeat, and of its fold within the repeat, from 0.
    photos, groups, twins
        Numbers of held-out photos, of their groups, and of those photos that show the same picture as another photo.
    shares
        Share of each class or tag in the held-out photos, from 0 to 1.
    """

    split: int
    repeat: int
    fold: int
    photos: int
    groups: int
    twins: int
    shares: dict[str, float]


@dataclass(frozen=True)
class ObsoleteResults:
    """Members and stacks that belong to replaced folds."""

    members: tuple[str, ...]
    stacks: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.members or self.stacks)

    def describe(self) -> str:
        """Return their numbers and names as a phrase."""
        phrases = [
            f"{format_count(names, word)} ({', '.join(names)})"
            for names, word in ((self.members, "member"), (self.stacks, "stack"))
            if names
        ]
        return " and ".join(phrases)


@dataclass(frozen=True, repr=False)
class FoldsResult(Shown):
    """The folds of a competition.

    Attributes
    ----------
    file
        Path of ``folds.csv``.
    folds, repeats
        Number of folds in each repeat, and number of repeats.
    photos, scored
        Number of training photos, and number of those that are held out at least once.
    splits
        Statistics of each split.
    shares
        Share of each class or tag in all training photos.
    duplicates
        Photos that show the same picture. A fold contains all copies of a training photo or none.
    useless
        Results of the folds that this call replaced.
    rows_per_photo
        Number of rows that count as photos here although they are one: 4 rotations in an orientation task.
    """

    file: Path
    folds: int
    repeats: int
    photos: int
    scored: int
    splits: tuple[SplitStatistics, ...]
    shares: dict[str, float]
    duplicates: DuplicateCounts
    useless: ObsoleteResults
    rows_per_photo: int = 1

    def build_table(self) -> Table:
        """Return a row for each split, named after its folder in a member, and a last row for all photos."""
        several = self.repeats > 1
        classes = list(self.shares)
        named = classes if len(classes) <= MAX_CLASS_COLUMNS else []
        columns = ["fold", *(["repeat"] if several else []), "held out", "groups", "near-duplicates"]
        columns += [f"{name} %" for name in named] or ["spread worst by"]
        rows = []
        for split in self.splits:
            counts = [f"{split.photos}", f"{split.groups}", f"{split.twins}"]
            worst = max(abs(split.shares[name] - self.shares[name]) for name in classes)
            shares = [_format_percent(split.shares[name]) for name in named] or [f"{100 * worst:.1f} points"]
            rows.append([f"fold-{split.split}", *([str(split.repeat + 1)] if several else []), *counts, *shares])
        overall = [_format_percent(self.shares[name]) for name in named] or [""]
        rows.append(["all photos", *([""] if several else []), f"{self.photos}", "", "", *overall])
        return Table(columns, rows, notes=self.describe())

    def describe(self) -> list[str]:
        """Return the notes below the table."""
        lines = [
            f"{format_count(range(self.folds), 'fold')}, {format_count(range(self.repeats), 'repeat')}: {self.file}"
        ]
        if self.folds == 1:
            lines[0] = f"one held-out fold, {format_count(range(self.repeats), 'repeat')}: {self.file}"
            lines.append(f"{self.scored} of {self.photos} photos are scored; the others only train")
        if self.rows_per_photo > 1:
            lines.append(f"each photo counts {self.rows_per_photo} times, once for each rotation")
        if copies := self.duplicates.describe():
            lines.append(copies)
        if self.useless:
            lines.append(address_caller(f"obsolete now: {self.useless.describe()}; train again with --restart"))
        return lines


def _format_percent(share: float) -> str:
    return f"{100 * share:.1f}"


@check_arguments
def folds(
    competition: CompetitionLike | None = None,
    *,
    folds: Count | None = None,
    repeats: Count | None = None,
    seed: Seed | None = None,
    hold_out: str | None = None,
    force: bool = False,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> FoldsResult:
    """Return the folds. With a number or a seed, make new folds first.

    Parameters
    ----------
    competition
        Name of the competition. None uses the one last fetched or adopted.
    folds, repeats
        Number of folds in each repeat (1 holds out one fifth of the photos), and number of repeats. None keeps the
        current numbers.
    seed
        Seed of new folds. None uses 0.
    hold_out
        Folder whose training photos become the one held-out fold, such as ``valid``. It is relative to the folder of
        the photos, and excludes the other numbers.
    force
        Make new folds even if they make trained members and stacks obsolete. Their files remain until they are trained
        again.

    Raises
    ------
    BadChoice
        If there are no folds and no number is given, a number is too small, a folder to hold out has no photos, or
        results would become obsolete and ``force`` is not set.
    Busy
        If another process is training a member that would become obsolete.

    Examples
    --------
    >>> result = ensembler.folds("pets")
    >>> result.folds, result.photos
    (3, 64)
    """
    folder, tables = open_refreshed_competition(competition, Workspace.read(workspace), progress)
    if hold_out is None and folds is repeats is seed is None:
        if not folder.folds.is_file():
            raise BadChoice(
                f"{folder.name} has no folds yet: `ensembler train-members` makes them, or `ensembler folds --folds 5`."
            )
        return _build_result(folder, tables, load_folds(folder, tables), ObsoleteResults((), ()))
    replacement = _make_folds(folder, tables, folds, repeats, seed, hold_out)
    text = format_folds(tables, replacement)
    obsolete = _find_results_of_old_folds(folder, tables, text)
    if obsolete and not force:
        raise BadChoice(
            f"New folds make {obsolete.describe()} obsolete: confirm with --force, then train with --restart."
        )
    with contextlib.ExitStack() as locks:
        for name in obsolete.members:
            locks.enter_context(hold_lock(folder.member_lock(name), f"{name} of {folder.name}"))
        write_text(folder.folds, text)
    return _build_result(folder, tables, replacement, obsolete)


def find_obsolete_results(
    competition: CompetitionLike | None,
    *,
    folds: int | None,
    repeats: int | None,
    seed: int | None,
    hold_out: str | None = None,
    workspace: Workspace,
    progress: Progress = SILENT,
) -> ObsoleteResults:
    """Return the results that :func:`folds` with these arguments would make obsolete, and change nothing."""
    folder, tables = open_refreshed_competition(competition, workspace, progress)
    return _find_results_of_old_folds(
        folder, tables, format_folds(tables, _make_folds(folder, tables, folds, repeats, seed, hold_out))
    )


def _make_folds(
    folder: CompetitionFolder,
    tables: Tables,
    folds: int | None,
    repeats: int | None,
    seed: int | None,
    hold_out: str | None,
) -> Folds:
    """Make folds. Numbers that are None are those of the current folds, if these can be read."""
    if hold_out is not None:
        if not folds is repeats is seed is None:
            raise BadChoice("--hold-out makes one fold: omit --folds, --repeats and --seed.")
        return build_held_out_fold(tables, hold_out)
    try:
        current = load_folds(folder, tables) if folder.folds.is_file() else None
    except (BadData, Mismatch):
        current = None
    if current is not None:
        folds = current.count if folds is None else folds
        repeats = current.repeats if repeats is None else repeats
    return build_folds(tables, folds, repeats, seed or 0)


def _find_results_of_old_folds(folder: CompetitionFolder, tables: Tables, text: str) -> ObsoleteResults:
    """Return the results that belong to the folds on disk, unless ``text`` describes the same folds.

    If the file is damaged or missing, these are the results of all other folds, which would be usable again if it were
    restored.
    """
    new = compute_text_digest(text)
    try:
        load_folds(folder, tables)
        old = compute_file_digest(folder.folds)
    except BadData:
        old = None
    except Mismatch:
        old = compute_file_digest(folder.folds)

    def is_obsolete(folds: str) -> bool:
        # Stacks of early versions do not record their folds.
        return bool(folds) and folds != new and old in (None, folds)

    members = (name for name in list_trained_members(folder) if is_obsolete(MemberRecord.load(folder, name).folds))
    stacks = (name for name in list_stacks(folder) if is_obsolete(load_stack_record(folder, name).folds))
    return ObsoleteResults(tuple(members), tuple(sorted(stacks)))


def _build_result(folder: CompetitionFolder, tables: Tables, folds: Folds, obsolete: ObsoleteResults) -> FoldsResult:
    duplicates, (train, _) = load_duplicates(folder), read_photo_tables(folder)
    twins = np.repeat(train["id"].isin(find_twins(duplicates)).to_numpy(), tables.rows_per_photo)
    return FoldsResult(
        file=folder.folds,
        folds=folds.count,
        repeats=folds.repeats,
        photos=len(tables.train),
        scored=int(folds.scored.sum()),
        splits=tuple(_compute_split_statistics(tables, folds, twins, split) for split in range(folds.splits)),
        shares=_compute_shares(tables, np.ones(len(tables.train), dtype=bool)),
        duplicates=count_duplicates(duplicates, train.set_index("id")["label"]),
        useless=obsolete,
        rows_per_photo=tables.rows_per_photo,
    )


def _compute_split_statistics(tables: Tables, folds: Folds, twins: np.ndarray[Any, Any], split: int) -> SplitStatistics:
    held_out = folds.mask_held_out(split)
    groups: pd.Series = tables.train.loc[held_out, "group"]
    return SplitStatistics(
        split,
        *folds.locate_split(split),
        photos=int(held_out.sum()),
        groups=int(groups[groups != ""].nunique()),
        twins=int((twins & held_out).sum()),
        shares=_compute_shares(tables, held_out),
    )


def _compute_shares(tables: Tables, rows: np.ndarray[Any, Any]) -> dict[str, float]:
    """Return the share of each class or tag in the rows; of a binary task, the shares of both classes."""
    means = tables.targets[rows].mean(axis=0, dtype=np.float64)
    shares = {name: round(float(mean), 6) for name, mean in zip(tables.manifest.outputs, means, strict=True)}
    if tables.manifest.task == "binary":
        [(name, share)] = shares.items()
        other = next(one for one in tables.manifest.classes if one != name)
        return {other: round(1 - share, 6), name: share}
    return shares
