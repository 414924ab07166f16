from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from helpers.jobs_here import start_none
from helpers.members_made import make_member, record_of, small_competition

from ensembler.competition.folds.folds import Folds
from ensembler.competition.folds.splits import ALL_PHOTOS
from ensembler.competition.tables import load_tables
from ensembler.engines.local import LocalEngine
from ensembler.errors import BadChoice, Mismatch
from ensembler.images.decoding import decode_photo
from ensembler.members.records import MemberRecord
from ensembler.members.refit import build_refit_settings
from ensembler.options.phases import Phase
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import read_json
from ensembler.storage import write_text
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members


@pytest.mark.parametrize("count", [1, 3])
def test_the_split_of_everything_learns_from_all_photos(count: int) -> None:
    labels, none = pd.Series(list("ab") * 15), pd.Series([""] * 30)
    assigned = np.where(np.arange(30) % 3 < count, np.arange(30) % 3, -1)[:, None]
    folds = Folds(assigned, count, labels, none)
    assert not folds.mask_held_out(ALL_PHOTOS).any()
    assert folds.mask_training(ALL_PHOTOS).all()
    inner = folds.make_inner_folds(ALL_PHOTOS)
    assert inner.shape == (30,)
    assert len(np.unique(inner)) == (3 if count == 3 else 5)


# The second name is that of earlier versions.
@pytest.mark.parametrize("column", ["val_log_loss", "watched_log_loss"])
@pytest.mark.parametrize(
    ("histories", "epochs"),
    [
        # Watched: the best epoch of each phase, on the mean of the folds.
        (
            ["head,1,0.5,1\nall,1,0.5,1\nall,2,0.3,1\nall,3,0.4,1\n", "head,1,0.5,1\nall,1,0.5,1\nall,2,0.4,1\n"],
            (1, 2),
        ),
        (["head,1,0.5,1\nall,1,0.5,1\n", "head,1,0.5,1\nall,1,0.5,1\nall,2,0.4,1\nall,3,0.1,1\n"], (1, 2)),
        # Not watched: as many as were trained; a budget may have ended one.
        (["head,1,,1\nall,1,,1\nall,2,,1\nall,3,,0.4\n", "head,1,,1\nall,1,,1\nall,2,,1\n"], (1, 2)),
    ],
)
def test_epochs_are_those_that_were_best_on_the_folds(
    tmp_path: Path, histories: list[str], epochs: tuple[int, ...], column: str
) -> None:
    from dataclasses import replace

    folder, tables = small_competition(tmp_path)
    record = record_of(folder, tables)
    phases = (Phase("head", 5, 1e-3), Phase("all", 5, 1e-4))
    record = replace(record, settings=replace(record.settings, phases=phases, patience=2), folds_count=2)
    for fold, rows in enumerate(histories):
        write_text(folder.fold(record.name, fold) / "history.csv", f"phase,epoch,{column},share\n{rows}")
    settings = build_refit_settings(folder, record)
    assert tuple(phase.epochs for phase in settings.phases) == epochs
    assert settings.patience == 0


def write_photos(folder: Path) -> Path:
    from PIL import Image

    random = np.random.default_rng(0)
    for row in range(60):
        name = "ab"[row % 2]
        pixels = random.integers(0, 180, (8, 8, 3)) + (40 if name == "b" else 0)
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{row}.png")
    return folder


def trained(root: Path) -> tuple[CompetitionFolder, Workspace]:
    workspace = Workspace(root / "data", root / "submissions")
    from ensembler.workflows.fetch.adopt import adopt

    adopt(write_photos(root / "photos"), "small", workspace=workspace)
    train_members(["demo-conv"], weights="none", unfreeze="none", folds=2, refit=True, workspace=workspace)
    train_members(["demo-dense"], weights="none", epochs=2, folds=2, refit=True, workspace=workspace)
    return workspace.competition("small"), workspace


@pytest.mark.slow
def test_a_stack_of_networks_that_learned_from_all_photos_is_smaller_and_calls_its_score_an_estimate(
    tmp_path: Path,
) -> None:
    folder, workspace = trained(tmp_path)
    plain = stack(workspace=workspace)
    result = stack(refit=True, workspace=workspace)
    assert result.name == f"{plain.name}_refit"
    assert result.model.stat().st_size < 0.8 * plain.model.stat().st_size
    # The score is that of the folds' networks; the answers are not.
    assert result.log_loss == plain.log_loss
    assert result.submission.read_text() != plain.submission.read_text()
    assert read_json(folder.stack(result.name) / "stack.json")["refit"]
    model = keras.saving.load_model(result.model)
    pixels = np.stack([decode_photo(path, 8) for path in load_tables(folder).test_paths])
    stored = np.load(folder.stack(result.name) / "predictions.npz")["test"]
    assert np.abs(model.predict(pixels, verbose=0) - stored).max() < 1e-5
    record = read_json(folder.fold("demo-dense", ALL_PHOTOS) / "fold.json")
    assert (record["held_out"], record["log_loss"], record["epochs"]) == (0, None, 2)
    assert MemberRecord.load(folder, "demo-conv").is_finished(folder, ALL_PHOTOS)


def test_who_has_no_such_network_is_told_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "a")
    monkeypatch.setattr(LocalEngine, "start_ahead", start_none)
    with pytest.raises(Mismatch, match=r"repeat its call .* with refit=True"):
        stack(["a"], refit=True, workspace=Workspace(tmp_path / "data", tmp_path / "submissions"))


@pytest.mark.parametrize("other", [{"pseudo_labels": "s"}, {"time_budget": "1m"}])
def test_what_does_not_go_with_it_is_refused(tmp_path: Path, other: dict[str, str]) -> None:
    workspace = Workspace(tmp_path / "data", tmp_path / "submissions")
    with pytest.raises(BadChoice, match="refit=True cannot be combined with"):
        train_members(["b0"], refit=True, workspace=workspace, **other)  # type: ignore[arg-type]
