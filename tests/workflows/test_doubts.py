from __future__ import annotations

import numpy as np
import pytest
from helpers.members_made import small_competition
from helpers.photos import write_photo
from helpers.stacks_made import make_stack

from ensembler.competition.layout.hints import Hints
from ensembler.competition.orientation.rotations import align_angles
from ensembler.competition.tables import load_tables
from ensembler.errors import BadChoice, Mismatch
from ensembler.paths import Workspace
from ensembler.serialization import write_arrays
from ensembler.workflows.doubts import list_doubts
from ensembler.workflows.fetch.adopt import adopt


def predict_rows(angle, probability=0.85):
    """Probabilities of a photo's four rotations by a stack that finds it stored rotated by ``angle`` degrees."""
    rows = np.full((4, 4), (1 - probability) / 3)
    for rotation in range(4):
        rows[rotation, (rotation + angle // 90) % 4] = probability
    return rows


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_four_rows_that_agree_give_the_angle_of_the_photo(angle):
    [found] = align_angles(predict_rows(angle))
    assert found[angle // 90] == pytest.approx(0.85)
    assert found.sum() == pytest.approx(1)


def test_a_photo_that_always_looks_the_same_has_no_angle():
    assert align_angles(np.tile([0.97, 0.01, 0.01, 0.01], (4, 1)))[0] == pytest.approx(0.25)


@pytest.fixture
def made(tmp_path):
    """A stack of an orientation task of five photos, one of them stored turned and one symmetric."""
    for number in range(6):
        write_photo(tmp_path / "photos" / f"{number}.png", number)
    write_photo(tmp_path / "photos" / "test" / "t.png", 9)
    workspace = Workspace(tmp_path / "data", tmp_path / "submissions")
    folder = adopt(tmp_path / "photos", "made", hints=Hints(task="orientation"), workspace=workspace).folder
    tables = load_tables(folder)
    make_stack(folder, tables, "both")
    rows = [predict_rows(0, 0.9 - number / 100) for number in range(6)]
    rows[2], rows[4] = predict_rows(180), np.tile([0.94, 0.02, 0.02, 0.02], (4, 1))
    # Of four angles that are equally probable, the second is a little more so.
    rows[4][0] = [0.9, 0.06, 0.02, 0.02]
    write_arrays(
        folder.stack("both") / "predictions.npz",
        out_of_fold_ids=tables.train["id"].to_numpy(dtype=str),
        out_of_fold=np.concatenate(rows).astype(np.float32),
    )
    return folder


def test_the_worst_photos_come_first_with_what_was_found(made):
    found = list_doubts(competition="made", workspace=made.workspace, photos=3)
    assert [(each.photo, each.finding, each.angle) for each in found.photos] == [
        ("2.png", "looks turned", 180),
        ("4.png", "unsure", 90),
        ("5.png", "upright", 0),
    ]
    assert (found.compared, found.turned, found.unsure) == (6, 1, 1)
    assert "1 of 6 photos look turned" in str(found)
    assert found.to_json()["photos"][0]["finding"] == "looks turned"


def test_a_stack_of_other_photos_is_refused(made):
    write_photo(made.root.parent.parent / "photos" / "new.png", 12)
    arrays = {"out_of_fold_ids": np.array(["gone.png@0"] * 4), "out_of_fold": np.zeros((4, 4), np.float32)}
    write_arrays(made.stack("both") / "predictions.npz", **arrays)
    with pytest.raises(Mismatch, match="built with other photos"):
        list_doubts(competition="made", workspace=made.workspace)


def test_a_task_of_classes_has_no_doubts(tmp_path):
    folder, _ = small_competition(tmp_path)
    with pytest.raises(BadChoice, match="not an orientation task"):
        list_doubts(competition="made", workspace=folder.workspace)
