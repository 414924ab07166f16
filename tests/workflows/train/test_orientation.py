"""An orientation task from the folder to photos that are turned, and what its training refuses."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.members_made import small_competition
from helpers.photos import Heard
from PIL import Image

from ensembler.backbones.registry import find_backbone
from ensembler.checks.labels.doubts import find_label_doubts
from ensembler.competition.csv_tables import read_table
from ensembler.competition.folds.file import load_folds
from ensembler.competition.layout.hints import Hints
from ensembler.competition.tables import load_tables
from ensembler.engines.local import LocalEngine
from ensembler.errors import BadChoice
from ensembler.members.records import MemberRecord, load_fold
from ensembler.options.configuration import configure
from ensembler.paths import Workspace
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.folds import folds
from ensembler.workflows.machine import UNKNOWN_MACHINE
from ensembler.workflows.stack import stack
from ensembler.workflows.submit.score import score
from ensembler.workflows.survey.survey import survey
from ensembler.workflows.train.orientation import fit_to_task
from ensembler.workflows.train.preview import show_augmented
from ensembler.workflows.train.train import train_members
from ensembler.workflows.train.training_call import TrainingCall
from ensembler.workflows.turn import turn_photos

PHOTOS = 40


def draw_sky(seed, turns=0):
    """A photo of noise that is bright at its top, stored turned counter-clockwise."""
    noise = np.random.default_rng(seed).integers(0, 90, (24, 32, 3))
    light = np.linspace(160, 0, 24)[:, np.newaxis, np.newaxis]
    return Image.fromarray(np.rot90((noise + light).astype(np.uint8), turns))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    root = tmp_path_factory.mktemp("orientation")
    (root / "photos").mkdir()
    for number in range(PHOTOS):
        draw_sky(number).save(root / "photos" / f"{number:02}.png")
    draw_sky(100, turns=1).save(root / "photos" / "turned.png")
    workspace = Workspace(root / "data", root / "submissions")
    adopt(root / "photos", "sky", hints=Hints(task="orientation"), workspace=workspace)
    return workspace


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"flips": True}, "flips does not fit an orientation task"),
        ({"augmentation": "strong"}, "augmentation='strong' does not fit"),
        ({"tta": "flip"}, "tta='flip' does not fit"),
        ({"pseudo_labels": "first"}, "pseudo_labels is not for an orientation task"),
        ({"teacher": "first"}, "cannot learn from a stack yet"),
    ],
)
def test_training_refuses_what_mirrors_or_turns_photos(workspace, options, words):
    with pytest.raises(BadChoice, match=words):
        train_members(["demo-conv"], competition="sky", weights="none", workspace=workspace, **options)


def test_the_drawn_sheet_shows_each_epoch_in_another_rotation(workspace, tmp_path):
    drawn = show_augmented(tmp_path / "a.png", ["demo-conv"], competition="sky", weights="none", workspace=workspace)
    assert drawn.augmentation == "none"
    sheet = np.asarray(Image.open(drawn.file))
    # The bright edge of the first photo is in several places.
    tiles = [sheet[24 : 24 + 128, 6 + 134 * column : 134 * (column + 1)].mean(axis=2) for column in range(1, 8)]
    edges = [np.argmax([t[:20].mean(), t[:, :20].mean(), t[-20:].mean(), t[:, -20:].mean()]) for t in tiles]
    assert len(set(edges)) > 1


@pytest.mark.parametrize(
    ("preset", "said"),
    [("quick", []), ("best", ["flips", "augmentation='strong'", "tta='crops'"])],
)
def test_defaults_of_a_preset_that_do_not_fit_are_switched_off_and_named(workspace, preset, said):
    tables = load_tables(workspace.competition("sky"))
    call = make_call(preset)
    heard = Heard()
    fitted = fit_to_task(call, tables, {}, heard)
    assert (fitted.options["flips"], fitted.options["tta"]) == (False, "rotations")
    assert len(heard.notes) == bool(said)
    assert all(words in note for note in heard.notes for words in said)


def make_call(preset, **options):
    backbones, configuration = [find_backbone("b0")], configure(options, preset)
    return TrainingCall(["b0"], ["b0"], backbones, configuration, LocalEngine(None), UNKNOWN_MACHINE)


def test_frozen_members_without_rotations_are_told_what_they_miss(workspace):
    heard = Heard()
    tables = load_tables(workspace.competition("sky"))
    fit_to_task(make_call("quick", tta="none"), tables, {}, heard)
    assert ["hardly tells 90 from 270 degrees" in note for note in heard.notes] == [True]


def test_rotations_are_refused_for_classes(tmp_path):
    _, tables = small_competition(tmp_path)
    with pytest.raises(BadChoice, match="tta='rotations' is for orientation tasks"):
        fit_to_task(make_call("quick", tta="rotations"), tables, {}, Heard())


@pytest.mark.slow
def test_a_network_learns_the_rotations_and_turns_photos(workspace, tmp_path):
    options = {"weights": "none", "unfreeze": "all", "epochs": 30, "learning_rate": 0.02, "patience": 0}
    shown = folds("sky", folds=2, workspace=workspace)
    assert shown.photos == 4 * len(read_table(workspace.competition("sky").train))
    [member] = train_members(["demo-conv"], competition="sky", workspace=workspace, **options)
    folder = workspace.competition("sky")
    tables = load_tables(folder)
    # An epoch passes each photo once: its speed and steps are those of a quarter of the rows.
    history = read_table(folder.fold("demo-conv", 0) / "history.csv")
    assert len(history) == 30
    stored, _ = load_fold(folder, MemberRecord.load(folder, "demo-conv"), 0)
    assert set(stored.held_out_ids) == set(tables.train.loc[load_folds(folder, tables).mask_held_out(0), "id"])
    assert member.accuracy > 0.85
    stack(["demo-conv"], competition="sky", workspace=workspace)
    assert score(competition="sky", workspace=workspace).accuracy > 0.85
    found = find_label_doubts(folder, tables)
    if (tables.train["path"] == "turned.png").any():
        assert (found.doubts[0].path, found.doubts[0].kind) == ("turned.png", "looks turned")
        assert "turned by 90 degrees" in found.doubts[0].reason
    (tmp_path / "scans").mkdir()
    for turns in range(4):
        draw_sky(200 + turns, turns).save(tmp_path / "scans" / f"{turns}.png")
    file = folder.stack("demo-conv") / "stack.keras"
    turned = turn_photos(tmp_path / "scans", tmp_path / "out", stack=file, workspace=Workspace(tmp_path, tmp_path))
    assert [photo.angle for photo in turned.photos] == [0, 90, 180, 270]
    for turns in range(4):
        assert np.array_equal(Image.open(tmp_path / "out" / f"{turns}.png"), draw_sky(200 + turns))
    found = survey(["demo-conv"], competition="sky", weights="none", workspace=workspace)
    assert found.photos == len(tables.train)
