"""Show the folds, or make others: what that makes useless is said first."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..competition.duplicates import DuplicateCounts, count_duplicates, load_duplicates, twins_of
from ..competition.folds.file import folds_text, load_folds, new_folds
from ..competition.folds.folds import Folds
from ..competition.tables import Tables
from ..errors import BadChoice, BadData, Mismatch, counted
from ..locks import held
from ..members.records import MemberRecord, trained_members
from ..paths import HERE, CompetitionFolder, Workspace
from ..progress import SILENT, Progress
from ..serialization import read_json, text_digest
from ..storage import file_digest, write_text
from .competition import open_competition


@dataclass(frozen=True)
class SplitFigures:
    """What a split holds out.

    Attributes
    ----------
    split, repeat, fold
        Its number, and its place in the repeats, from 0.
    photos, groups, twins
        Held-out photos, the groups among them, and photos among them that show the same picture as another one.
    shares
        Share of the held-out photos of each class or tag, from 0 to 1.
    """

    split: int
    repeat: int
    fold: int
    photos: int
    groups: int
    twins: int
    shares: dict[str, float]


@dataclass(frozen=True)
class Useless:
    """Results that belong to folds which are to be replaced."""

    members: tuple[str, ...]
    stacks: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.members or self.stacks)

    def sentence(self) -> str:
        """Name them."""
        told = [
            f"{counted(names, word)} ({', '.join(names)})"
            for names, word in ((self.members, "member"), (self.stacks, "stack"))
            if names
        ]
        return " and ".join(told)


@dataclass(frozen=True)
class FoldsResult:
    """The folds of a competition.

    Attributes
    ----------
    file
        ``folds.csv``.
    folds, repeats
        How many there are in each repeat, and how often.
    photos, scored
        Training photos, and those of them that are held out at least once.
    splits
        What each holds out.
    shares
        Share of all training photos of each class or tag.
    duplicates
        Photos that show the same picture; those in training are kept together.
    useless
        What belonged to folds that were just replaced.
    """

    file: Path
    folds: int
    repeats: int
    photos: int
    scored: int
    splits: tuple[SplitFigures, ...]
    shares: dict[str, float]
    duplicates: DuplicateCounts
    useless: Useless


def folds(
    competition: str | None = None,
    *,
    folds: int | None = None,
    repeats: int | None = None,
    seed: int | None = None,
    discard: bool = False,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> FoldsResult:
    """Tell what the folds are; with a number or a seed, make others.

    Parameters
    ----------
    competition
        Its name; None is the one last brought in.
    folds, repeats
        Folds in each repeat, 1 for one held-out fifth, and how often they are made. None keeps what is there.
    seed
        Of new folds; None is 0.
    discard
        Make others even if trained members and stacks become useless; their files stay until they are trained again.

    Raises
    ------
    BadChoice
        If there are no folds yet and none are asked for, or a number is too small.
    Mismatch
        If something would become useless and ``discard`` is not set.
    Busy
        If another process is training one of the members that would become useless.
    """
    folder, tables = open_competition(competition, workspace, progress)
    if folds is repeats is seed is None:
        if not folder.folds.is_file():
            raise BadChoice(
                f"{folder.name} has no folds yet: `ensembler train-members` makes them, or `ensembler folds --folds 5`."
            )
        return _told(folder, tables, load_folds(folder, tables), Useless((), ()))
    made = _made(folder, tables, folds, repeats, seed)
    text = folds_text(tables, made)
    useless = _useless(folder, text)
    if useless and not discard:
        raise Mismatch(
            f"New folds make useless what was trained on the old ones, {useless.sentence()}: make them all the same "
            "with --yes, then train with --restart."
        )
    with contextlib.ExitStack() as locks:
        for name in useless.members:
            locks.enter_context(held(folder.member_lock(name), f"{name} of {folder.name}"))
        write_text(folder.folds, text)
    return _told(folder, tables, made, useless)


def made_useless(
    competition: str | None, *, folds: int | None, repeats: int | None, seed: int | None, workspace: Workspace
) -> Useless:
    """Tell what :func:`folds` with these numbers would make useless, and make nothing."""
    folder, tables = open_competition(competition, workspace, SILENT)
    return _useless(folder, folds_text(tables, _made(folder, tables, folds, repeats, seed)))


def _made(folder: CompetitionFolder, tables: Tables, folds: int | None, repeats: int | None, seed: int | None) -> Folds:
    """Make folds; what is not asked for is as it is on disk, if that can be read."""
    try:
        there = load_folds(folder, tables) if folder.folds.is_file() else None
    except (BadData, Mismatch):
        there = None
    if there is not None:
        folds = there.count if folds is None else folds
        repeats = there.repeats if repeats is None else repeats
    return new_folds(tables, folds, repeats, seed or 0)


def _useless(folder: CompetitionFolder, text: str) -> Useless:
    """Find what belongs to the folds on disk and would not belong to those of ``text``."""
    if not folder.folds.is_file() or (now := file_digest(folder.folds)) == text_digest(text):
        return Useless((), ())
    members = (name for name in trained_members(folder) if MemberRecord.load(folder, name).folds == now)
    stacks = (path.parent.name for path in (folder.root / "stacks").glob("*/stack.json") if _folds_of(path) == now)
    return Useless(tuple(members), tuple(sorted(stacks)))


def _folds_of(stack: Path) -> Any:
    return read_json(stack).get("folds")


def _told(folder: CompetitionFolder, tables: Tables, made: Folds, useless: Useless) -> FoldsResult:
    duplicates = load_duplicates(folder)
    twins = tables.train["id"].isin(twins_of(duplicates)).to_numpy()
    return FoldsResult(
        file=folder.folds,
        folds=made.count,
        repeats=made.repeats,
        photos=len(tables.train),
        scored=int(made.scored.sum()),
        splits=tuple(_split(tables, made, twins, split) for split in range(made.splits)),
        shares=_shares(tables, np.ones(len(tables.train), dtype=bool)),
        duplicates=count_duplicates(duplicates, tables.train.set_index("id")["label"]),
        useless=useless,
    )


def _split(tables: Tables, made: Folds, twins: np.ndarray[Any, Any], split: int) -> SplitFigures:
    held_out = made.held_out(split)
    groups: pd.Series = tables.train.loc[held_out, "group"]
    return SplitFigures(
        split,
        *made.place(split),
        photos=int(held_out.sum()),
        groups=int(groups[groups != ""].nunique()),
        twins=int((twins & held_out).sum()),
        shares=_shares(tables, held_out),
    )


def _shares(tables: Tables, rows: np.ndarray[Any, Any]) -> dict[str, float]:
    """Share of the rows of each class or tag; a binary task has both its classes."""
    means = tables.targets[rows].mean(axis=0, dtype=np.float64)
    shares = {name: round(float(mean), 6) for name, mean in zip(tables.manifest.outputs, means, strict=True)}
    if tables.manifest.task == "binary":
        [(name, share)] = shares.items()
        other = next(one for one in tables.manifest.classes if one != name)
        return {other: round(1 - share, 6), name: share}
    return shares
