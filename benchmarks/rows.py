"""Time and peak memory of tables, folds, heads, stack and submission for a million rows, without networks.

Names, labels, features and predictions are generated. Photos are only names, so nothing is decoded, and the job that
builds ``stack.keras`` is skipped. Each stage runs in its own process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from ensembler.backbones.registry import find_backbone
from ensembler.competition.folds.file import build_folds, load_folds, save_folds
from ensembler.competition.layout.hints import Hints
from ensembler.competition.layout.layout import find_layout
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.samples import compute_samples_fingerprint
from ensembler.competition.tables import exclude_unreadable, group_twins, load_tables, make_tables, save_tables
from ensembler.heads.by_split import fit_split_heads
from ensembler.heads.links import compute_probabilities
from ensembler.members.records import FoldPredictions, MemberRecord, save_fold
from ensembler.options.resolve import choose_settings
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.storage import compute_file_digest

LABELLED, TO_PREDICT, MEMBERS, WIDTH = 700_000, 300_000, 5, 64
NAME = "rows"


def competition(work: Path) -> CompetitionFolder:
    return CompetitionFolder(work / "data" / NAME)


def make(work: Path) -> None:
    """Write the files of a download, except the photos."""
    folder = competition(work)
    folder.extracted.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    labels = np.array(["cat", "dog"])[random.integers(0, 2, LABELLED)]
    ids = [f"{number:08x}" for number in random.permutation(LABELLED + TO_PREDICT)]
    pd.DataFrame({"id": ids[:LABELLED], "label": labels}).to_csv(folder.extracted / "labels.csv", index=False)
    sample = pd.DataFrame({"id": ids[LABELLED:], "label": 0.5})
    sample.to_csv(folder.extracted / "sample_submission.csv", index=False)
    paths = [f"train/{one}.jpg" for one in ids[:LABELLED]] + [f"test/{one}.jpg" for one in ids[LABELLED:]]
    (work / "paths.json").write_text(json.dumps(sorted(paths)))


def layout_and_tables(work: Path) -> None:
    folder = competition(work)
    photos = PhotoFiles(folder.extracted, tuple(json.loads((work / "paths.json").read_text())))
    with mock.patch.object(PhotoFiles, "list_below", return_value=photos):
        manifest = find_layout(folder.extracted, NAME, NAME, Hints(positive="dog"), "raw/extracted")
    manifest.save(folder.manifest)
    train, test = make_tables(manifest, photos)
    train, test, unreadable = exclude_unreadable(train, test, {})
    # One percent of the photos show the same picture as another one.
    pictures = {path: str(row // 2 if row % 100 < 2 else -row) for row, path in enumerate(train["path"])}
    train = group_twins(train, pictures)
    none = pd.DataFrame(columns=["set", "id", "other_set", "other_id", "distance", "similarity"])
    save_tables(folder, manifest, train, test, unreadable, none)
    Workspace(work / "data", work / "submissions").make_current(folder)


def folds(work: Path) -> None:
    folder = competition(work)
    tables = load_tables(folder)
    save_folds(folder, tables, build_folds(tables, 5, None, 0))
    load_folds(folder, tables)


def record_of(work: Path, name: str) -> MemberRecord:
    folder = competition(work)
    tables = load_tables(folder)
    settings, _ = choose_settings(find_backbone("demo-conv"), {"weights": "none", "unfreeze": "none"})
    samples = compute_samples_fingerprint(folder, tables.manifest)
    return MemberRecord(name, settings, samples, compute_file_digest(folder.folds), 5, tables.manifest.outputs)


def heads(work: Path) -> None:
    """Fit heads on the features of a file, and store their predictions."""
    folder = competition(work)
    tables = load_tables(folder)
    splits = load_folds(folder, tables)
    X = np.load(work / "features.npy", mmap_mode="r")
    fitted = fit_split_heads(X[:LABELLED], tables.targets, splits, range(5), multiclass=tables.manifest.sums_to_one)
    record = record_of(work, "member-0")
    record.save(folder)
    for fold, head in fitted.items():
        rows = splits.mask_held_out(fold)
        predictions = FoldPredictions(
            held_out_ids=tables.train.loc[rows, "id"].to_numpy(dtype=str),
            held_out=head.predict_proba(X[:LABELLED][rows]),
            test_ids=tables.test["id"].to_numpy(dtype=str),
            test=head.predict_proba(X[LABELLED:]),
            classes=np.array(tables.manifest.outputs, dtype=str),
        )
        save_fold(folder, record, fold, predictions, [{"phase": "head"}], 0.5, 1.0)


def make_features(work: Path) -> None:
    tables = load_tables(competition(work))
    random = np.random.default_rng(1)
    features = np.lib.format.open_memmap(work / "features.npy", "w+", np.float32, (LABELLED + TO_PREDICT, WIDTH))
    signal = np.concatenate([tables.targets[:, 0], random.integers(0, 2, TO_PREDICT)])
    for first in range(0, len(features), 50_000):
        part = slice(first, first + 50_000)
        features[part] = random.normal(0, 1, features[part].shape)
        features[part, :8] += 0.4 * signal[part, None]


def make_members(work: Path) -> None:
    """Write more members. Their predictions are those of the first member plus noise."""
    folder = competition(work)
    first = record_of(work, "member-0")
    for number in range(1, MEMBERS):
        record = replace(first, name=f"member-{number}")
        record.save(folder)
        random = np.random.default_rng(number)
        for fold in range(5):
            told = dict(np.load(folder.fold("member-0", fold) / "predictions.npz"))
            for key in ("held_out", "test"):
                odds = np.log(told[key]) - np.log1p(-told[key])
                told[key] = compute_probabilities(odds + random.normal(0, 0.5, odds.shape), multiclass=False)
            save_fold(folder, record, fold, FoldPredictions(**told), [{"phase": "head"}], 0.5, 1.0)


def stack(work: Path) -> None:
    from ensembler.engines.local import LocalEngine
    from ensembler.workflows import stack as stacks

    with (
        mock.patch.object(LocalEngine, "run_jobs", return_value=[{"difference": 0.0}]),
        mock.patch.object(LocalEngine, "start_ahead", return_value=contextlib.nullcontext()),
    ):
        stacks.stack(workspace=Workspace(work / "data", work / "submissions"))


# Measured stages by their titles, and functions that prepare some of them, which are not measured.
STAGES: dict[str, Callable[[Path], None]] = {
    "layout and tables, 1 % of the photos twice": layout_and_tables,
    "reading tables; building, writing and reading five folds": folds,
    f"five heads on {WIDTH} features, storing predictions": heads,
    f"`stack` of {MEMBERS} members with scores, comparison and checked CSV": stack,
}
BEFORE: dict[str, Callable[[Path], None]] = {"layout_and_tables": make, "heads": make_features, "stack": make_members}


def measured(work: Path, name: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--work", str(work), "--part", name]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="new folder")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    told = parser.parse_args()
    parts = {work.__name__: work for work in (*STAGES.values(), *BEFORE.values())}
    if told.part:
        began = time.perf_counter()
        parts[told.part](told.work)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        print(json.dumps({"seconds": time.perf_counter() - began, "peak": peak}))
        return
    print(f"| {LABELLED + TO_PREDICT:,} rows | seconds | peak GB |\n|---|---:|---:|")
    seconds, peak = 0.0, 0.0
    for title, stage in STAGES.items():
        if stage.__name__ in BEFORE:
            measured(told.work, BEFORE[stage.__name__].__name__)
        found = measured(told.work, stage.__name__)
        seconds, peak = seconds + found["seconds"], max(peak, found["peak"])
        print(f"| {title} | {found['seconds']:.1f} | {found['peak']:.2f} |", flush=True)
    print(f"| **all** (limits: 300 and 4) | **{seconds:.0f}** | **{peak:.2f}** |")


if __name__ == "__main__":
    main()
