"""Competitions with made-up members and stacks in the package's own files, of any size: nothing is trained.

The report's tests and its benchmark read them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ensembler.backbones.registry import find_backbone
from ensembler.competition.folds.file import build_folds, load_folds, save_folds
from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ensembler.competition.metrics.metrics import compute_row_losses
from ensembler.competition.metrics.scores import Scores
from ensembler.competition.samples import compute_samples_fingerprint
from ensembler.competition.tables import Tables, load_tables, save_tables
from ensembler.inference.speeds import NetworkSpeed
from ensembler.members.records import FoldPredictions, MemberRecord, save_fold
from ensembler.members.scores import save_figures
from ensembler.options.resolve import choose_settings
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import write_arrays, write_json, write_record
from ensembler.storage import compute_file_digest, write_text

# Most probabilities that are made at a time.
CELLS = 20_000_000


@dataclass(frozen=True)
class Wanted:
    """What to make.

    ``signal`` is the advantage of the true class in log-odds, ``epochs`` the number of fine-tuned epochs of each fold.
    """

    task: str = "multiclass"
    classes: tuple[str, ...] = ("cat", "dog", "fox")
    rows: int = 60
    test_rows: int = 12
    members: tuple[str, ...] = ("small", "large")
    folds: int = 3
    metric: str = "log loss"
    signal: float = 2.5
    epochs: int = 0
    name: str = "made"
    photo: Callable[[Path, int], Any] | None = None
    stack: str = "both"


def make_reported(root: Path, wanted: Wanted) -> CompetitionFolder:
    """Make a competition with finished members and a stack, and make it the current one."""
    folder, tables = make_competition(root, wanted)
    make_members(folder, tables, wanted)
    if wanted.stack:
        make_stack(folder, tables, wanted)
    return folder


def make_competition(root: Path, wanted: Wanted) -> tuple[CompetitionFolder, Tables]:
    """Write the manifest, tables and folds, and the photos where they can be drawn."""
    workspace = Workspace(root / "data", root / "submissions")
    folder = workspace.competition(wanted.name)
    is_orientation = wanted.task == "orientation"
    columns = wanted.classes[-1:] if wanted.task == "binary" else wanted.classes
    manifest = Manifest(
        name=wanted.name,
        slug="",
        task="multiclass" if is_orientation else wanted.task,  # type: ignore[arg-type]
        classes=wanted.classes,
        photos=str(root / "photos"),
        train=TrainLayout("train", "rotations" if is_orientation else "folders"),
        test=TestLayout("test"),
        answer=AnswerLayout("sample_submission.csv", "id", columns, "probabilities"),
        metric=wanted.metric,
    )
    manifest.save(folder.manifest)
    train, test = _make_photos(wanted, root / "photos")
    unreadable = pd.DataFrame(columns=["id", "path", "set", "reason"])
    pairs = pd.DataFrame(columns=["set", "id", "other_set", "other_id", "distance", "similarity"])
    save_tables(folder, manifest, train, test, unreadable, pairs)
    workspace.make_current(folder)
    tables = load_tables(folder)
    save_folds(folder, tables, build_folds(tables, wanted.folds, None, 0))
    return folder, tables


def _make_photos(wanted: Wanted, photos: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    random = np.random.default_rng(0)
    places = random.integers(0, len(wanted.classes), wanted.rows)
    # Each class has a photo in each fold.
    first = np.arange(min(wanted.rows, wanted.folds * len(wanted.classes)))
    places[first] = first % len(wanted.classes)
    names = np.array(wanted.classes, dtype=object)
    labels = names[places]
    if wanted.task == "multilabel":
        second = names[(places + 1) % len(names)]
        labels = np.where(random.random(wanted.rows) < 0.4, labels + "|" + second, labels)
    if wanted.task == "orientation":
        labels = np.full(wanted.rows, "0")
    train_ids = [f"{row}" for row in range(wanted.rows)]
    test_ids = [f"{wanted.rows + row}" for row in range(wanted.test_rows)]
    train = pd.DataFrame({"id": train_ids, "path": [f"train/{one}.png" for one in train_ids], "label": labels})
    test = pd.DataFrame({"id": test_ids, "path": [f"test/{one}.png" for one in test_ids]})
    if wanted.photo:
        for number, path in enumerate([*train["path"], *test["path"]]):
            wanted.photo(photos / path, number)
    return train.assign(group=""), test


def predict_rows(wanted: Wanted, codes: np.ndarray, tags: np.ndarray | None, seed: int, noise: float) -> np.ndarray:
    """Make up probabilities of rows, shape (rows, outputs), with the wanted signal for their classes."""
    random = np.random.default_rng(seed)
    if wanted.task == "binary":
        odds = wanted.signal * (2 * codes - 1) + noise * random.normal(0, 1, len(codes))
        return (1 / (1 + np.exp(-odds))).astype(np.float32)[:, None]
    if tags is not None:
        odds = wanted.signal * (2 * tags - 1) + noise * random.normal(0, 1, tags.shape)
        return (1 / (1 + np.exp(-odds))).astype(np.float32)
    odds = noise * random.standard_normal((len(codes), len(wanted.classes)), dtype=np.float32)
    odds[np.arange(len(codes)), codes] += wanted.signal + np.log(len(wanted.classes))
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def make_members(folder: CompetitionFolder, tables: Tables, wanted: Wanted) -> None:
    """Write finished members. Later ones are better, larger and slower."""
    folds = load_folds(folder, tables)
    codes, tags = read_truth(tables)
    for number, name in enumerate(wanted.members):
        record = make_record(folder, tables, name, epochs=wanted.epochs, folds=folds.splits)
        record.save(folder)
        noise, losses = 2.2 - 0.9 * number / max(1, len(wanted.members)), []
        for fold in range(folds.splits):
            rows = np.flatnonzero(folds.mask_held_out(fold))
            held = predict_rows(wanted, codes[rows], None if tags is None else tags[rows], 100 * number + fold, noise)
            test = predict_rows(
                wanted, np.zeros(len(tables.test), np.int64), _cut(tags, len(tables.test)), 7 + number, noise
            )
            predictions = FoldPredictions(
                tables.train["id"].to_numpy(dtype=str)[rows],
                held,
                tables.test["id"].to_numpy(dtype=str),
                test,
                np.array(tables.manifest.outputs, dtype=str),
            )
            losses.append(_compute_loss(tables, held, rows))
            history = _make_history(wanted.epochs, losses[-1])
            save_fold(folder, record, fold, predictions, history, losses[-1], 3.0 + number)
        write_record(folder.speed(name), _make_speed(record, number))
        loss = float(np.mean(losses))
        scores = Scores(
            metric=tables.manifest.metric,
            score=loss if "loss" in wanted.metric else 0.9,
            standard_error=0.01,
            log_loss=loss,
            log_loss_error=0.01,
            accuracy=0.9,
        )
        save_figures(folder, record, tables.manifest.metric, scores)
        write_json(folder.member(name) / "call.json", {"train-members": [name, "--weights", "none"]})


def _cut(tags: np.ndarray | None, rows: int) -> np.ndarray | None:
    return None if tags is None else np.resize(tags, (rows, tags.shape[1]))


def read_truth(tables: Tables) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the number of each row's class, and its labels as 0 and 1 if there may be several."""
    if tables.manifest.task == "multilabel":
        return np.zeros(len(tables.train), np.int64), tables.targets
    return pd.Index(tables.manifest.classes).get_indexer(pd.Index(tables.train["label"])), None


def make_record(folder: CompetitionFolder, tables: Tables, name: str, *, epochs: int, folds: int) -> MemberRecord:
    """Return the record of a member that belongs to the present photos and folds."""
    options: dict[str, Any] = {"weights": "none", "unfreeze": "none", "image_size": 8, "batch_size": 32}
    if epochs:
        options |= {"unfreeze": "all", "epochs": epochs}
    settings, _ = choose_settings(find_backbone("demo-conv"), options)
    samples = compute_samples_fingerprint(folder, tables.manifest)
    return MemberRecord(name, settings, samples, compute_file_digest(folder.folds), folds, tables.manifest.outputs)


def _compute_loss(tables: Tables, held: np.ndarray, rows: np.ndarray) -> float:
    if held.size > CELLS:
        return 1.0
    part = replace(tables, train=tables.train.iloc[rows].reset_index(drop=True))
    return float(compute_row_losses(part.targets, held, multiclass=tables.manifest.sums_to_one).mean())


def _make_history(epochs: int, loss: float) -> list[dict[str, Any]]:
    if not epochs:
        return [{"phase": "head", "penalty": 1.0}]
    return [
        {
            "phase": "all",
            "epoch": epoch,
            "training_loss": loss * (1 + 1 / epoch),
            "val_log_loss": loss * (1.1 + 0.5 / epoch),
            "held_out_log_loss": "",
            "learning_rate": 1e-3,
            "share": 1.0,
            "seconds": 2.5,
        }
        for epoch in range(1, epochs + 1)
    ]


def _make_speed(record: MemberRecord, number: int) -> NetworkSpeed:
    return NetworkSpeed(
        member=record.fingerprint,
        parameters=400_000 * (number + 1),
        milliseconds_per_photo=4.0 + 1.7 * number,
        photos_per_second=300 / (number + 1),
        single=100,
        batch_size=32,
        device="a processor",
        threads=2,
        host="made",
    )


def make_stack(folder: CompetitionFolder, tables: Tables, wanted: Wanted) -> None:
    """Write the predictions and the record of a stack of all members."""
    codes, tags = read_truth(tables)
    folds = load_folds(folder, tables)
    rows = np.flatnonzero(folds.scored)
    held = np.concatenate(list(_predict_in_parts(wanted, codes[rows], None if tags is None else tags[rows])))
    test = predict_rows(wanted, np.zeros(len(tables.test), np.int64), _cut(tags, len(tables.test)), 5, 1.5)
    write_arrays(
        folder.stack(wanted.stack) / "predictions.npz",
        out_of_fold_ids=tables.train["id"].to_numpy(dtype=str)[rows],
        out_of_fold=held,
        test_ids=tables.test["id"].to_numpy(dtype=str),
        test=test,
        classes=np.array(tables.manifest.outputs, dtype=str),
    )
    write_stack_record(
        folder, tables, wanted, 0.9 if "loss" not in wanted.metric else _compute_loss(tables, held, rows)
    )


def _predict_in_parts(wanted: Wanted, codes: np.ndarray, tags: np.ndarray | None) -> Iterator[np.ndarray]:
    step = max(1, CELLS // len(wanted.classes))
    for start in range(0, len(codes), step):
        part = slice(start, start + step)
        yield predict_rows(wanted, codes[part], None if tags is None else tags[part], start + 1, 1.2)


def write_stack_record(folder: CompetitionFolder, tables: Tables, wanted: Wanted, score: float, **changes: Any) -> None:
    """Write ``stack.json``, with ``changes`` of its fields."""
    csv = folder.submissions / f"20260101-000000-{wanted.stack}.csv"
    write_text(csv, "id\n")
    bins = [{"count": 6, "predicted": 0.05 + 0.1 * part, "happened": 0.03 + 0.1 * part} for part in range(10)]
    diagram = {"calibration_error": 0.02, "bins": bins}
    record = {
        "name": wanted.stack,
        "metric": wanted.metric,
        "score": score,
        "standard_error": 0.01,
        "log_loss": 0.3,
        "accuracy": 0.91,
        "meta": "dense",
        "refit": False,
        "temperature": 1.1,
        "interval": [score - 0.02, score + 0.02],
        "gain": {"value": 0.02, "standard_error": 0.01, "interval": [0.001, 0.04]},
        "best": wanted.members[-1],
        "members": list(_list_parts(folder, wanted.members)),
        "reliability": {"before": diagram, "after": diagram},
        "meta_learners": {"mean": {"metric": wanted.metric, "score": score, "log_loss": 0.3}},
        "submission": str(csv),
        "folds": compute_file_digest(folder.folds),
        "samples": compute_samples_fingerprint(folder, tables.manifest),
        "sha256": compute_file_digest(csv),
        **changes,
    }
    write_json(folder.stack(wanted.stack) / "stack.json", record)


def _list_parts(folder: CompetitionFolder, members: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, name in enumerate(members):
        alike = {
            other: 1.0 if other == name else 0.5 + 0.003 * abs(number - place) for place, other in enumerate(members)
        }
        gain = 0.02 - 0.0002 * number
        content = json.loads((folder.member(name) / "member.json").read_text("utf-8"))
        yield {
            "name": name,
            "log_loss": 0.4,
            "fingerprint": str(content["samples"]),
            "loss_without": {"value": gain, "interval": [gain - 0.01, gain + 0.01]} if len(members) > 1 else None,
            "error_correlations": alike,
        }
