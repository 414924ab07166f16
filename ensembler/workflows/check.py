"""Checks the data of a competition: faulty photos, copies, balance, leaks, differences of the sets, and labels."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from ..checks.association import describe_strongest
from ..checks.balance import count_independent, find_imbalance, measure_balance
from ..checks.contact_sheet import choose_pictures, draw_contact_sheet
from ..checks.copies import PAIRED_KINDS, find_copies
from ..checks.doubt import Doubt
from ..checks.facts_file import read_facts
from ..checks.faults import find_faults
from ..checks.file_dates import restore_dates
from ..checks.finding import Found, join_found
from ..checks.labels.doubts import WRONG, find_label_doubts
from ..checks.leaks import find_leaks
from ..checks.photos import Photo, describe_set, join_facts, summarise
from ..checks.ranking import rank_found
from ..checks.result import CHECK_FILE, DOUBT_COLUMNS, DOUBTS_FILE, SHEET_FILE, Balance, CheckResult
from ..checks.shift import StoredFeatures, find_shift
from ..competition.csv_tables import read_table, write_table
from ..competition.duplicates import count_duplicates, load_duplicates
from ..competition.folds.file import DEFAULT_FOLDS
from ..competition.samples import compute_samples_fingerprint
from ..competition.tables import Tables, read_photo_tables
from ..errors import EnsemblerError
from ..images.views import WHOLE_VIEW
from ..members.features.files import build_feature_path
from ..members.records import MemberRecord, list_trained_members
from ..options.arguments import check_arguments
from ..paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, Workspace, WorkspaceLike
from ..progress import SILENT, Progress
from ..serialization import write_record
from ..storage import remove_file, write_file_atomically
from .competition import open_competition


@check_arguments
def check(
    competition: CompetitionLike | None = None,
    *,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> CheckResult:
    """Look for doubts about a competition's photos and labels. Nothing is changed or left out by it.

    All photos are read, and by a further check only those that are new or have changed. The result, a table of all
    doubts and a contact sheet of the worst photos are written to the folder ``check`` of the competition.

    Parameters
    ----------
    competition
        Name of the competition. None uses the one last fetched or adopted.

    Raises
    ------
    BadChoice
        If there is no such competition.
    Mismatch
        If its tables are missing, or the manifest was edited since they were made.

    Examples
    --------
    >>> result = ensembler.check("pets")
    >>> result.leaks[0].name, result.leaks[0].area
    ('number in the name', 1.0)
    """
    began = time.monotonic()
    folder, tables = open_competition(competition, Workspace.read(workspace))
    _try_to_write(folder.check)
    train, test = read_photo_tables(folder)
    paths = sorted({*train["path"], *test["path"]} - {""})
    compared = frozenset(test["path"]) - {""}
    facts = read_facts(tables.photos, paths, tables.manifest.pixels, progress, compared, folder.photo_facts)
    facts = restore_dates(folder, tables.photos, facts)
    photos = join_facts(train, test, facts)
    problems = {path: each.problem for path, each in facts.items() if each.problem}
    unreadable = _list_unreadable(folder, tables.photos, train, test, problems)
    found, result = _examine(folder, tables, photos, unreadable, progress)
    result = replace(result, seconds=round(time.monotonic() - began, 1))
    return _write(folder, tables, found, result)


def _try_to_write(folder: Path) -> None:
    """Raise the error of a folder that cannot be written before minutes of work, not after them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _list_unreadable(
    folder: CompetitionFolder, root: Path, train: pd.DataFrame, test: pd.DataFrame, problems: dict[str, str]
) -> pd.DataFrame:
    """Return the photos that fetching found unreadable, and those that have become so since, with the reason."""
    known = read_table(folder.unreadable)
    later = pd.concat([train.assign(set="train"), test.assign(set="test")])[["id", "path", "set"]]
    later = later[later["path"].isin(problems)]
    reasons = [f"It is not used: {reason}" for reason in known["reason"]]
    reasons += [f"It could still be read when it was fetched: {problems[path]}" for path in later["path"]]
    # Pillow names the whole path, which is long and differs between machines.
    shortened = [reason.replace(f"{root}{os.sep}", "") for reason in reasons]
    return pd.concat([known, later], ignore_index=True).assign(reason=shortened)


def _examine(
    folder: CompetitionFolder, tables: Tables, photos: Sequence[Photo], unreadable: pd.DataFrame, progress: Progress
) -> tuple[Found, CheckResult]:
    """Run all checks. Return what they found, and the result without its duration and files."""
    train, test = read_photo_tables(folder)
    features = _load_features(folder, tables, [*train["path"], *test.loc[test["path"] != "", "path"]])
    leaks, leak_clues = find_leaks(photos, tables.manifest, progress)
    shift, shift_clues = find_shift(photos, features, progress)
    labels = _find_label_doubts(folder, tables, features, progress)
    wrong = frozenset(each.id for each in labels.doubts if each.kind == WRONG)
    parts = [
        find_faults(photos, unreadable),
        find_copies(photos, load_duplicates(folder), tables.photos, progress, wrong),
        leaks,
        shift,
        labels,
        _find_imbalance(folder, tables),
    ]
    found = rank_found(join_found(parts))
    sizes = {"train": len(train), "test": len(test)}
    return found, CheckResult(
        competition=folder.name,
        samples=compute_samples_fingerprint(folder, tables.manifest),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,
        sets={name: describe_set(photos, name, rows, unreadable) for name, rows in sizes.items()},
        balance=_measure_balance(tables),
        duplicates=count_duplicates(load_duplicates(folder), train.set_index("id")["label"]),
        findings=found.findings,
        leaks=leak_clues,
        shift=shift_clues,
        doubts=len(found.doubts),
        weak=tuple(filter(None, map(describe_strongest, (leak_clues, shift_clues)))),
        left_out=found.left_out,
    )


def _measure_balance(tables: Tables) -> Balance | None:
    manifest = tables.manifest
    return None if manifest.is_orientation else measure_balance(tables.train["label"], manifest.classes)


def _find_imbalance(folder: CompetitionFolder, tables: Tables) -> Found:
    balance = _measure_balance(tables)
    if balance is None:
        return Found()
    independent = count_independent(tables.train["label"], tables.train["group"])
    return find_imbalance(balance, independent, _count_folds(folder))


def _count_folds(folder: CompetitionFolder) -> int:
    if not folder.folds.is_file():
        return DEFAULT_FOLDS
    return max(2, read_table(folder.folds, columns=["fold"])["fold"].replace("", None).dropna().nunique())


def _load_features(folder: CompetitionFolder, tables: Tables, paths: Sequence[str]) -> StoredFeatures | None:
    """Return frozen features of the photos of these paths, if a member's training has stored them."""
    samples = compute_samples_fingerprint(folder, tables.manifest)
    for name in list_trained_members(folder):
        try:
            record = MemberRecord.load(folder, name)
        except EnsemblerError:
            # `ensembler status` reports a damaged member.
            continue
        path = build_feature_path(folder, record, WHOLE_VIEW)
        if record.samples == samples and path.is_file():
            values = np.load(path, mmap_mode="r", allow_pickle=False)[:: tables.rows_per_photo]
            if len(values) == len(paths):
                return StoredFeatures(record.settings.backbone, values, paths)
    return None


def _find_label_doubts(
    folder: CompetitionFolder, tables: Tables, features: StoredFeatures | None, progress: Progress
) -> Found:
    photos = len(tables.train) // tables.rows_per_photo
    of_training = features.values[:photos] if features else None
    found = find_label_doubts(folder, tables, features=of_training, progress=progress)
    findings = [
        finding
        for kind, (what, advice) in _LABEL_KINDS.items()
        for finding in summarise(kind, found.doubts, f"{what}, by {found.source}", advice)
    ]
    return Found(tuple(findings), found.doubts, left_out=found.notes)


_LABEL_KINDS = {
    "likely wrong label": ("Probably a wrong label", "look at it; correct it or leave it out"),
    "odd photo": ("Unlike all others", "look at it"),
    "looks turned": ("Probably stored turned", "turn it, or leave it out"),
    "orientation unsure": ("No certain orientation", "look at it"),
}


def _write(folder: CompetitionFolder, tables: Tables, found: Found, result: CheckResult) -> CheckResult:
    """Write the three files of the check, the one that the others belong to last."""
    sheet, doubts, record = (folder.check / name for name in (SHEET_FILE, DOUBTS_FILE, CHECK_FILE))
    remove_file(record)
    write_table(doubts, _tabulate(found.doubts))
    pictures = choose_pictures(found)
    if pictures:
        headings = {kind: _count_kind(found, kind) for kind in pictures}
        drawn = draw_contact_sheet(
            pictures, tables.photos, tables.manifest.pixels, headings, f"Doubts about {folder.name}", PAIRED_KINDS
        )
        with write_file_atomically(sheet) as temporary:
            drawn.save(temporary, "PNG", optimize=True)
    else:
        remove_file(sheet)
    result = replace(result, files=tuple(path for path in (record, doubts, sheet) if path != sheet or pictures))
    write_record(record, result)
    return result


def _tabulate(doubts: Sequence[Doubt]) -> pd.DataFrame:
    rows = [[getattr(each, name) for name in DOUBT_COLUMNS] for each in doubts]
    return pd.DataFrame(rows, columns=list(DOUBT_COLUMNS))


_SET_NAMES = {"both": "train and test"}


def _count_kind(found: Found, kind: str) -> str:
    counted = [finding for finding in found.findings if finding.kind == kind]
    return ", ".join(
        f"{each.number:,} {each.unit}{'s' * (each.number != 1)} ({_SET_NAMES.get(each.set, each.set)})"
        for each in counted
    )
