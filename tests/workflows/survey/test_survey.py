"""``ensembler survey`` from photos to answers, with the demo's networks in a real job."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.members_made import small_competition
from helpers.photos import Heard

from ensembler.cli import commands
from ensembler.competition.tables import Tables
from ensembler.engines.local import LocalEngine
from ensembler.engines.worker_processes import WorkerProcesses
from ensembler.errors import BadChoice
from ensembler.events import FeaturesMade, JobsPlanned
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import read_arrays
from ensembler.surveys import halving
from ensembler.workflows.survey.survey import survey
from ensembler.workflows.train.train import train_members

# Real processes train and stack real members.
pytestmark = pytest.mark.slow

DEMOS = ["demo-dense", "demo-conv", "demo-separable"]
# One backbone of each kind of preprocessing and smallest size; tests/backbones/jobs/test_families.py has all families.
SMALLEST = ["b0", "mobilenetv2-0.35", "xception", "inceptionv3", "resnet50"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[CompetitionFolder, Tables, Workspace]:
    root = tmp_path_factory.mktemp("survey")
    folder, tables = small_competition(root)
    return folder, tables, Workspace(root / "data", root / "submissions")


@pytest.fixture(scope="module")
def found(made):
    """The demo's networks on two rungs, of 12 photos and of all 24."""
    patch = pytest.MonkeyPatch()
    patch.setattr(halving, "MIN_PHOTOS", 12)
    patch.setattr(halving, "MIN_PHOTOS_PER_CLASS", 1)
    heard = Heard()
    result = survey(DEMOS, weights="none", top=2, workspace=made[2], progress=heard)
    patch.undo()
    return result, heard


def test_all_are_judged_and_the_promising_on_all_photos(found) -> None:
    result, _ = found
    assert {one.name for one in result.candidates} == set(DEMOS)
    assert [one.speed.parameters for one in result.candidates] == sorted(
        one.speed.parameters for one in result.candidates
    )
    photos = sorted(one.photos for one in result.candidates)
    assert photos[1:] == [24, 24]
    assert photos[0] in (12, 24)
    assert all(bool(one.stopped) == (one.photos == 12) for one in result.candidates)
    for one in result.candidates:
        assert one.speed.milliseconds_per_photo > 0
        assert one.speed.photos_per_second > 0
        assert one.speed.width > 0
        assert np.isfinite(one.scores.log_loss)
        assert np.isfinite(one.scores.log_loss_error)


def test_what_follows(found) -> None:
    result, _ = found
    finished = [one for one in result.candidates if one.photos == 24]
    assert result.best.scores.log_loss == min(one.scores.log_loss for one in finished)
    assert result.smallest.speed.parameters <= result.best.speed.parameters
    assert result.commands[0].startswith("ensembler --data ")
    assert "--weights none" in result.commands[0]


def test_what_is_kept(found, made) -> None:
    result, _ = found
    place = made[0].root / "survey"
    assert {path.name for path in place.iterdir()} == {"survey.json", "survey.csv", "losses.png", "losses.svg"}
    survey_fields = json.loads((place / "survey.json").read_text("utf-8"))
    assert [one["name"] for one in survey_fields["candidates"]] == [one.name for one in result.candidates]
    with (place / "survey.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[0]["log_loss"]) == result.candidates[0].scores.log_loss
    assert not list(made[0].survey.glob("pixels-*"))


def test_the_losses_are_those_of_heads_on_the_same_folds(found, made) -> None:
    """As `train-members` judges them, which knows nothing of surveys, on photos that are not mirrored."""
    result, _ = found
    _, tables, workspace = made
    heard = Heard()
    name = result.best.name
    [member] = train_members(
        [name],
        weights="none",
        unfreeze="none",
        head="fitted",
        flips=False,
        tta="none",
        workspace=workspace,
        progress=heard,
    )
    surveyed = next(one for one in result.candidates if one.name == name)
    assert member.log_loss == pytest.approx(surveyed.scores.log_loss, abs=2e-3)
    # The photos to learn from were known; those to predict were not.
    [features] = [event for event in heard.events if isinstance(event, FeaturesMade)]
    assert features.photos == len(tables.test)


def test_a_second_survey_computes_nothing(found, made) -> None:
    first, _ = found
    files = {path: path.stat().st_mtime_ns for path in made[0].survey.glob("*.*")}
    again = survey(DEMOS, weights="none", full=True, sort="loss", workspace=made[2])
    now = {path: path.stat().st_mtime_ns for path in made[0].survey.glob("*.*")}
    assert {path: when for path, when in now.items() if path in files} == files
    losses = [one.scores.log_loss for one in again.candidates]
    assert losses == sorted(losses)
    assert all(one.photos == 24 for one in again.candidates)
    assert again.trio is not None
    assert {one.name: one.scores for one in first.candidates if one.photos == 24}.items() <= {
        one.name: one.scores for one in again.candidates
    }.items()


def test_jobs_of_single_backbones_find_the_same(found, made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halving, "MIN_PHOTOS", 12)
    monkeypatch.setattr(halving, "MIN_PHOTOS_PER_CLASS", 1)
    monkeypatch.setattr(LocalEngine, "count_slots", lambda *_: 2)
    monkeypatch.setattr(LocalEngine, "_make_processes", lambda *_: WorkerProcesses(2))
    folder, _ = small_competition(tmp_path)
    heard = Heard()
    # As many as there are reach the last rung, because speeds differ.
    workspace = Workspace(tmp_path / "data", tmp_path / "submissions")
    divided = survey(DEMOS, weights="none", top=3, workspace=workspace, progress=heard)
    [first, second] = heard.of_kind(JobsPlanned)
    assert {job.job for job in first.jobs} == {job.job for job in second.jobs} == {f"survey-{name}" for name in DEMOS}
    whole = {one.name: one for one in found[0].candidates}
    for one in divided.candidates:
        assert one.photos == 24
        if whole[one.name].photos == 24:
            assert one.scores == whole[one.name].scores
    # The out-of-fold predictions of both rungs.
    common = [path for path in folder.survey.glob("*.npz") if (made[0].survey / path.name).is_file()]
    assert len(common) >= 5
    for path in common:
        one, other = (read_arrays(place / path.name)["out_of_fold"] for place in (folder.survey, made[0].survey))
        assert np.array_equal(one, other), path.name


def test_backbones_that_fail_are_told_and_the_others_go_on(made, tmp_path: Path) -> None:
    """Weights that are missing, and weights that are no weights; the command line shows both."""
    (tmp_path / "mobilenet-0.25.weights.h5").write_bytes(b"no weights")
    words = ["--data", str(made[2].data), "survey", "--weights", str(tmp_path), "--image-size", "32"]
    with pytest.raises(BadChoice, match=r"No backbone could be scored. The first error, of mobilenet-0\.75"):
        CliRunner().invoke(commands, [*words, "--members", "mobilenet-0.[27]5"], catch_exceptions=False)


def test_the_command_prints_the_table_json_and_csv(found, made, tmp_path: Path) -> None:
    words = ["--data", str(made[2].data), "survey", "--weights", "none", "--members", ",".join(DEMOS), "--photos", "24"]
    plain = CliRunner().invoke(commands, [*words, "--csv", str(tmp_path / "table.csv")], catch_exceptions=False)
    assert plain.stdout.splitlines()[0].split()[:2] == ["backbone", "pixels"]
    assert "\nbest      demo-" in plain.stdout
    assert len((tmp_path / "table.csv").read_text("utf-8").splitlines()) == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"photos": 11}, "photos must be at least 12 for 3 folds. Received: 11"),
        ({"time_budget": "soon"}, "time_budget"),
        ({"members": ["b99"]}, "no backbone named 'b99'"),
        ({"image_size": 7}, "image_size must be a whole number, at least 8. Received: 7"),
        ({"seed": -1}, "seed must be a whole number, at least 0"),
        ({"weights": "/nowhere"}, "No backbone could be scored"),
    ],
    ids=str,
)
def test_refusals(options: dict, words: str, made) -> None:
    members = options.pop("members", ["b0"])
    with pytest.raises(BadChoice, match=words):
        survey(members, workspace=made[2], **options)


def test_a_spent_budget_leaves_backbones_out(made) -> None:
    with pytest.raises(BadChoice, match="the time budget was used up before it"):
        survey(["demo-conv"], weights="none", seed=5, time_budget=0.001, workspace=made[2])


def test_backbones_of_several_families_and_sizes_are_scored(tmp_path: Path) -> None:
    from helpers.members_made import write_photo

    from ensembler.workflows.fetch.adopt import adopt

    for row in range(50):
        write_photo(tmp_path / "photos" / "ab"[row % 2] / f"{row}.jpg", row, (80, 64))
    workspace = Workspace(tmp_path / "data", tmp_path / "submissions")
    adopt(tmp_path / "photos", "made", workspace=workspace)
    heard = Heard()
    result = survey(SMALLEST, weights="none", image_size=64, workspace=workspace, progress=heard)
    assert not result.failed
    assert {one.name for one in result.candidates} == set(SMALLEST)
    assert {one.photos for one in result.candidates} == {40}
    sizes = {one.name: one.image_size for one in result.candidates}
    assert (sizes["b0"], sizes["xception"], sizes["inceptionv3"]) == (64, 71, 75)
