"""Frozen features: computed once, also by a run that was cut off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.members_made import SETTINGS, networks, record_of, small_competition
from helpers.photos import Heard
from helpers.stopping import Stopping

from ensembler.backbones.jobs.precision import use_precision
from ensembler.backbones.registry import Precision
from ensembler.errors import BadData, Interrupted
from ensembler.images.views import MIRRORED_VIEW, WHOLE_VIEW
from ensembler.inference.jobs.predictor import Predictor
from ensembler.inference.runtimes import RuntimeChoice
from ensembler.members.features import shards
from ensembler.members.features.files import build_feature_path
from ensembler.members.features.jobs import compute
from ensembler.members.features.jobs.compute import (
    compute_shard,
    load_or_build_backbone,
    load_or_compute_features,
)
from ensembler.members.features.parts import FeatureParts
from ensembler.members.features.shards import FeatureShard, divide_rows
from ensembler.members.records import MemberRecord
from ensembler.members.training_job import TrainingJob
from ensembler.progress import Progress
from ensembler.serialization import convert_to_plain

VIEWS = (WHOLE_VIEW, MIRRORED_VIEW)
PHOTOS = 30


def assigned(root: Path, **changes: Any) -> TrainingJob:
    folder, tables = small_competition(root)
    record: MemberRecord = replace(
        record_of(folder, tables), settings=replace(SETTINGS, **{"batch_size": 4, **changes})
    )
    record.save(folder)
    return TrainingJob(folder, "demo-conv", (0,), "none")


def files(assignment: TrainingJob) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in assignment.folder.features.glob("*.npy")}


def test_an_interrupted_extraction_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    unbroken, broken = assigned(tmp_path / "unbroken"), assigned(tmp_path / "broken")
    expected = load_or_compute_features(unbroken, VIEWS, Heard())
    for looks, done in ((3, 3), (2, 5)):
        with pytest.raises(Interrupted, match="in the frozen features of demo-conv; run the same command"):
            load_or_compute_features(broken, VIEWS, Stopping(looks))
        parts = sorted(broken.folder.features.glob("*.parts/*.npz"))
        assert {part.parent.name for part in parts} == {f"{name}.parts" for name in files(unbroken)}
        kept = sum(len(np.load(part)["features"]) for part in parts)
        assert kept == 2 * 4 * done
    heard = Heard()
    features = load_or_compute_features(broken, VIEWS, heard)
    assert (heard.totals, heard.steps) == ([2 * PHOTOS], 2 * PHOTOS)
    assert files(broken) == files(unbroken)
    assert not list(broken.folder.features.glob("*.parts"))
    for view in VIEWS:
        assert np.array_equal(features[view][0], expected[view][0])


def test_what_one_view_has_already_is_not_computed_again(tmp_path: Path) -> None:
    plain, surveyed = assigned(tmp_path / "plain"), assigned(tmp_path / "surveyed")
    expected = load_or_compute_features(plain, VIEWS, Heard())
    whole = build_feature_path(surveyed.folder, surveyed.record, WHOLE_VIEW)
    # Rows in the way of a survey: some of them, in another order. They are false, so that they are known again.
    rows, marked = np.array([7, 2, 11]), np.full((3, expected[WHOLE_VIEW][0].shape[1]), 5, "f4")
    parts = FeatureParts(whole, PHOTOS, Heard())
    parts.add(rows, marked)
    parts.finish()
    heard = Heard()
    features = load_or_compute_features(surveyed, VIEWS, heard)
    assert (heard.totals, heard.steps) == ([2 * PHOTOS], 2 * PHOTOS)
    stored = np.load(whole)
    assert (stored[rows] == 5).all()
    others = np.setdiff1d(np.arange(PHOTOS), rows)
    assert np.array_equal(stored[others], np.concatenate(expected[WHOLE_VIEW])[others])
    assert np.array_equal(features[MIRRORED_VIEW][0], expected[MIRRORED_VIEW][0])


def shard(assignment: TrainingJob, rows: range) -> dict[str, Any]:
    return convert_to_plain(FeatureShard(assignment, VIEWS, rows.start, rows.stop))  # type: ignore[no-any-return]


@pytest.mark.parametrize("surveyed", [False, True], ids=["fresh", "after a survey"])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_shards_in_any_order_make_the_same_bytes(
    count: int, surveyed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "PHOTOS_PER_FILE", 4)
    whole, divided = assigned(tmp_path / "whole"), assigned(tmp_path / "divided")
    path = build_feature_path(divided.folder, divided.record, WHOLE_VIEW)
    if surveyed:
        for each in (whole, divided):
            parts = FeatureParts(build_feature_path(each.folder, each.record, WHOLE_VIEW), PHOTOS, Heard())
            parts.add(np.array([7, 2, 11, 20]), np.full((4, 96), 5, "f4"))
            parts.finish()
    expected = load_or_compute_features(whole, VIEWS, Heard())
    known = FeatureParts(path, PHOTOS, Heard()).known & False
    rows = divide_rows(known, 4, count)
    assert len(rows) == count
    # The second is interrupted, and goes on later.
    with pytest.raises(Interrupted):
        compute_shard(shard(divided, rows[1]), Stopping(0 if count == 8 else 1))
    for part in reversed(rows):
        heard = Heard()
        compute_shard(shard(divided, part), heard)
        assert (heard.totals, heard.steps) == ([2 * len(part)], 2 * len(part))
    assert not files(divided)
    assert not divided.folder.backbone("demo-conv").exists()
    heard = Heard()
    features = load_or_compute_features(divided, VIEWS, heard)
    # Nothing is computed any more.
    assert heard.labels == []
    assert files(divided) == files(whole)
    assert not list(divided.folder.features.glob("*.parts"))
    assert all(np.array_equal(features[view][1], expected[view][1]) for view in VIEWS)
    compute_shard(shard(divided, rows[0]), heard)
    assert heard.labels == []


@pytest.mark.slow
def test_shards_of_a_real_family_make_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "PHOTOS_PER_FILE", 8)
    found = []
    for count in (1, 3):
        assignment = assigned(tmp_path / str(count), backbone="mobilenetv2-0.35", image_size=96, batch_size=8)
        for rows in divide_rows(np.zeros(PHOTOS, bool), 8, count) if count > 1 else ():
            compute_shard(shard(assignment, rows), Heard())
        load_or_compute_features(assignment, VIEWS, Heard())
        found.append(files(assignment))
    assert found[0] == found[1]
    assert len(found[0]) == 2


def test_shards_of_one_file_run_on_the_runtime_that_the_first_one_chose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assignment = assigned(tmp_path)
    choices = []

    class Slower(Predictor):
        """Chooses the graph on the first machine; on others, Keras would be faster."""

        def __init__(
            self, model: Any, batch_size: int, name: str, choice: RuntimeChoice, progress: Progress, **options: Any
        ) -> None:
            choices.append(choice)
            faster: RuntimeChoice = "graph" if len(choices) == 1 else "keras"
            super().__init__(model, batch_size, name, faster if choice == "auto" else choice, progress, **options)

    monkeypatch.setattr(compute, "Predictor", Slower)
    for rows in (range(12), range(12, 30)):
        job = FeatureShard(assignment, (WHOLE_VIEW,), rows.start, rows.stop)
        compute_shard(convert_to_plain(job), Heard())
    assert choices == ["auto", "graph"]
    load_or_compute_features(assignment, (WHOLE_VIEW,), Heard())
    assert [path.name for path in assignment.folder.features.iterdir()] == list(files(assignment))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_who_learns_in_sixteen_bits_shares_the_features_of_the_others(tmp_path: Path, precision: Precision) -> None:
    plain, other = assigned(tmp_path / "plain"), assigned(tmp_path / "other")
    load_or_compute_features(plain, VIEWS, Heard())
    with use_precision(precision):
        load_or_compute_features(other, VIEWS, Heard())
    assert files(other) == files(plain)


def test_a_backbone_that_was_damaged_is_built_again_unless_heads_belong_to_it(tmp_path: Path) -> None:
    assignment = assigned(tmp_path)
    folder, record = assignment.folder, assignment.record
    weights = load_or_build_backbone(assignment).get_weights()
    path = folder.backbone(record.name)
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    again = load_or_build_backbone(assignment).get_weights()
    assert all(np.array_equal(*pair) for pair in zip(weights, again, strict=True))
    networks(folder, record)
    path.write_bytes(whole)
    with pytest.raises(
        BadData, match=r"backbone\.keras is missing or was changed after training: train demo-conv again"
    ):
        load_or_build_backbone(assignment)
