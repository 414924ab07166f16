from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.members_made import record_of, small_competition
from helpers.photos import write_photo

from ensembler.checks.labels.doubts import find_label_doubts
from ensembler.competition.csv_tables import write_table
from ensembler.competition.duplicates import COLUMNS
from ensembler.competition.folds.file import load_or_make_folds
from ensembler.competition.layout.hints import Hints
from ensembler.competition.orientation.rotations import align_angles
from ensembler.competition.tables import Tables, load_tables
from ensembler.members.records import FoldPredictions, save_fold
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import write_arrays, write_json
from ensembler.workflows.fetch.adopt import adopt

WRONG = 4


def predict(tables: Tables) -> np.ndarray:
    """Probabilities that are sure of all labels but that of one photo."""
    sure = np.where(tables.targets > 0.5, 0.96, 0.02)
    sure[WRONG] = np.roll(sure[WRONG], 1)
    return sure.astype(np.float32)


def save_member(folder: CompetitionFolder, tables: Tables, name: str = "one") -> None:
    record, folds = record_of(folder, tables, name), load_or_make_folds(folder, tables)
    record.save(folder)
    ids, test = tables.train["id"].to_numpy(dtype=str), tables.test["id"].to_numpy(dtype=str)
    for fold in range(folds.splits):
        rows = folds.mask_held_out(fold)
        found = FoldPredictions(
            ids[rows], predict(tables)[rows], test, np.full((len(test), 3), 1 / 3, "f4"), np.array(list("abc"))
        )
        save_fold(folder, record, fold, found, [], 0.5, 1.0)


def save_stack(
    folder: CompetitionFolder, tables: Tables, probabilities: np.ndarray, name: str = "both", **more
) -> None:
    ids = tables.train["id"].to_numpy(dtype=str)
    write_arrays(folder.stack(name) / "predictions.npz", out_of_fold_ids=ids[::-1], out_of_fold=probabilities[::-1])
    write_json(folder.stack(name) / "stack.json", {"name": name, "members": [], "log_loss": 0.5, **more})


@pytest.fixture
def made(tmp_path: Path):
    return small_competition(tmp_path)


def test_without_members_labels_are_not_checked(made) -> None:
    found = find_label_doubts(*made)
    assert (found.doubts, found.source, found.compared) == ((), "", 0)
    assert found.notes[0].startswith("Labels are not checked, because no member is trained")


def test_a_wrong_label_is_named_with_the_right_one(made) -> None:
    folder, tables = made
    save_member(folder, tables)
    row = tables.train.iloc[WRONG]
    found = find_label_doubts(folder, tables)
    [doubt] = [each for each in found.doubts if each.kind == "likely wrong label"]
    assert (doubt.id, doubt.path, doubt.label, doubt.set) == (row["id"], row["path"], row["label"], "train")
    assert (doubt.suggestion, doubt.new_label) == ("relabel", "abc"["abc".index(row["label"]) - 2])
    assert doubt.score == pytest.approx(0.98)
    assert doubt.reason == (
        f"Labelled {doubt.label}, but one finds {doubt.new_label} with probability 0.960 without having seen it (rank "
        "1 of 24)."
    )
    assert (found.source, found.compared) == ("one", 24)


def test_the_mean_of_members_and_then_a_stack_is_used(made) -> None:
    folder, tables = made
    for name in ("one", "two"):
        save_member(folder, tables, name)
    assert find_label_doubts(folder, tables).source == "the mean of 2 members"
    unsure = predict(tables) * 0.5 + 0.5 / 3
    save_stack(folder, tables, unsure.astype("f4"))
    found = find_label_doubts(folder, tables)
    assert found.source == "the stack both"
    [doubt] = [each for each in found.doubts if each.kind == "likely wrong label"]
    # The stack is not sure enough of another label, which is named all the same.
    assert (doubt.id, doubt.suggestion, doubt.new_label) == (tables.train["id"][WRONG], "exclude", "b")
    save_stack(folder, tables, unsure.astype("f4"), "old", samples="of other photos")
    assert find_label_doubts(folder, tables, stack="old").source == ""


def test_a_copy_with_another_label_is_named(made) -> None:
    folder, tables = made
    save_member(folder, tables)
    one, other = tables.train["id"][WRONG], tables.train["id"][20]
    write_table(folder.duplicates, pd.DataFrame([("train", one, "train", other, "0", "1")], columns=list(COLUMNS)))
    [doubt] = [each for each in find_label_doubts(folder, tables).doubts if each.kind == "likely wrong label"]
    label = tables.train["label"][20]
    assert doubt.reason.endswith(f"(rank 1 of 24); {other} shows the same picture and is labelled {label}.")


def test_odd_photos_are_found_by_features_or_predictions(made) -> None:
    folder, tables = made
    save_member(folder, tables)
    features = np.abs(np.random.default_rng(0).normal(1, 0.05, (24, 8))).astype("f4")
    features[[9, WRONG], :4] = 0
    odd = [each for each in find_label_doubts(folder, tables, features=features).doubts if each.kind == "odd photo"]
    # A photo whose label is doubted is not named again.
    assert [each.id for each in odd] == [tables.train["id"][9]]
    assert odd[0].reason.startswith("Its frozen features are far from")
    flat = predict(tables)
    flat[[3, 8]] = 1 / 3
    save_stack(folder, tables, flat)
    odd = [each for each in find_label_doubts(folder, tables).doubts if each.kind == "odd photo"]
    assert odd[0].id in set(tables.train["id"][[3, 8]])
    assert odd[0].reason.startswith("No class is certain: the entropy of the stack both is 1.00 of")


def test_photos_that_are_never_held_out_are_counted(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    folder.folds.unlink()
    load_or_make_folds(folder, tables, 1)
    save_member(folder, tables)
    found = find_label_doubts(folder, tables)
    assert found.compared < 24
    assert found.notes[0].startswith(f"The labels of {24 - found.compared} photos are not checked")


def predict_rows(angle: int, probability: float = 0.85) -> np.ndarray:
    """Probabilities of a photo's four rotations by a stack that finds it stored rotated by ``angle`` degrees."""
    rows = np.full((4, 4), (1 - probability) / 3)
    for rotation in range(4):
        rows[rotation, (rotation + angle // 90) % 4] = probability
    return rows


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_four_rows_that_agree_give_the_angle_of_the_photo(angle: int) -> None:
    [found] = align_angles(predict_rows(angle))
    assert found[angle // 90] == pytest.approx(0.85)
    assert found.sum() == pytest.approx(1)


def test_a_photo_that_always_looks_the_same_has_no_angle() -> None:
    assert align_angles(np.tile([0.97, 0.01, 0.01, 0.01], (4, 1)))[0] == pytest.approx(0.25)


def test_photos_of_an_orientation_task_look_turned_or_have_no_orientation(tmp_path: Path) -> None:
    for number in range(6):
        write_photo(tmp_path / "photos" / f"{number}.png", number)
    write_photo(tmp_path / "photos" / "test" / "t.png", 9)
    workspace = Workspace(tmp_path / "data", tmp_path / "submissions")
    folder = adopt(tmp_path / "photos", "made", hints=Hints(task="orientation"), workspace=workspace).folder
    tables = load_tables(folder)
    rows = [predict_rows(0, 0.9 - number / 100) for number in range(6)]
    rows[2], rows[4] = predict_rows(180), np.tile([0.94, 0.02, 0.02, 0.02], (4, 1))
    # Of four angles that are equally probable, the second is a little more so.
    rows[4][0] = [0.9, 0.06, 0.02, 0.02]
    ids = tables.train["id"].to_numpy(dtype=str)
    write_arrays(folder.stack("both") / "predictions.npz", out_of_fold_ids=ids, out_of_fold=np.concatenate(rows))
    write_json(folder.stack("both") / "stack.json", {"name": "both", "members": [], "log_loss": 0.5})
    found = find_label_doubts(folder, tables)
    assert [(each.kind, each.path, each.suggestion) for each in found.doubts] == [
        ("looks turned", "2.png", "exclude"),
        ("orientation unsure", "4.png", ""),
    ]
    assert found.doubts[0].reason.startswith("The photo looks turned by 180 degrees with probability 0.850, by the")
    assert found.doubts[0].id == "2.png"
    assert (found.source, found.compared) == ("the stack both", 6)


def test_predictions_that_know_nothing_doubt_nothing(made) -> None:
    folder, tables = made
    chance = np.random.default_rng(0).dirichlet([1, 1, 1], len(tables.train)).astype(np.float32)
    save_stack(folder, tables, chance)
    found = find_label_doubts(folder, tables)
    assert found.doubts == ()
    assert "agrees with them no more than with labels at random" in found.notes[-1]


def test_many_doubts_are_doubts_about_the_predictions(made) -> None:
    folder, tables = made
    wrong = tables.targets.copy()
    wrong[::3] = np.roll(wrong[::3], 1, axis=1)
    save_stack(folder, tables, (0.02 + 0.94 * wrong).astype(np.float32))
    found = find_label_doubts(folder, tables)
    assert {doubt.kind for doubt in found.doubts} == {"likely wrong label"}
    assert "of the photos have a doubted label. So many may tell more about the stack both" in found.notes[-1]
