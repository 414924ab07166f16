"""A small competition and members with predictions made up here: no network is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from helpers.photos import write_photo

from ensembler.backbones.registry import find_backbone
from ensembler.competition.folds.file import load_folds, load_or_make_folds
from ensembler.competition.samples import compute_samples_fingerprint
from ensembler.competition.tables import Tables, load_tables
from ensembler.members.records import FoldPredictions, MemberRecord, list_network_files, save_fold
from ensembler.options.resolve import choose_settings
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.storage import compute_file_digest, write_bytes
from ensembler.workflows.fetch.adopt import adopt

FOLDS = 3
SETTINGS, _ = choose_settings(
    find_backbone("demo-conv"), {"weights": "none", "unfreeze": "none", "image_size": 8, "batch_size": 32}
)


def small_competition(root: Path) -> tuple[CompetitionFolder, Tables]:
    """Thirty photos in three classes, six of them to be predicted, in three folds."""
    for row in range(30):
        write_photo(root / "photos" / "abc"[row % 3] / f"{row}.png", row)
    workspace = Workspace(root / "data", root / "submissions")
    adopt(root / "photos", "made", workspace=workspace)
    folder = workspace.competition("made")
    tables = load_tables(folder)
    load_or_make_folds(folder, tables, FOLDS)
    return folder, tables


def record_of(folder: CompetitionFolder, tables: Tables, name: str = "demo-conv") -> MemberRecord:
    samples = compute_samples_fingerprint(folder, tables.manifest)
    return MemberRecord(
        name,
        SETTINGS,
        samples,
        compute_file_digest(folder.folds),
        load_folds(folder, tables).splits,
        tables.manifest.outputs,
    )


def make_member(folder: CompetitionFolder, tables: Tables, name: str, *, shuffled: bool = False) -> np.ndarray:
    """Write a member's folds, each in an order of its own if ``shuffled``; return all its probabilities."""
    random = np.random.default_rng(1)
    every = random.dirichlet(np.ones(3), len(tables.train)).astype(np.float32)
    test = random.dirichlet(np.ones(3), len(tables.test)).astype(np.float32)
    record = record_of(folder, tables, name)
    record.save(folder)
    folds = load_folds(folder, tables)
    for fold in range(folds.splits):
        rows, asked = np.flatnonzero(folds.mask_held_out(fold)), np.arange(len(test))
        if shuffled:
            rows, asked = random.permutation(rows), random.permutation(asked)
        predictions = FoldPredictions(
            tables.train["id"].to_numpy(dtype=str)[rows],
            every[rows],
            tables.test["id"].to_numpy(dtype=str)[asked],
            test[asked],
            np.array(tables.manifest.outputs, dtype=str),
        )
        save_fold(folder, record, fold, predictions, [{"phase": "head"}], 0.5, 1.0)
    return every


def networks(folder: CompetitionFolder, record: MemberRecord) -> list[Path]:
    """Finished folds with files that stand for networks."""
    paths = list_network_files(folder, record)
    for path in paths:
        write_bytes(path, path.name.encode())
    random = np.random.default_rng(0)
    for fold in range(FOLDS):
        predictions = FoldPredictions(
            np.array(["1"]), random.random((1, 1)), np.array([]), np.zeros((0, 1)), np.array([])
        )
        save_fold(folder, record, fold, predictions, [], 0.5, 1.0)
    return paths
