from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.members_made import SETTINGS

from ensembler.backbones.registry import find_backbone
from ensembler.members.work import (
    count_shards,
    estimate_job_work,
    estimate_photo_work,
    estimate_prediction_work,
    estimate_training_work,
)
from ensembler.options.phases import Phase

B0 = find_backbone("b0")
FLIPPED = replace(SETTINGS, backbone="b0", image_size=224, flips=True, tta="crops", phases=())
FINE_TUNED = replace(FLIPPED, phases=(Phase("none", 2, 1e-3), Phase("all", 3, 1e-4)))


def test_a_photo_counts_by_its_size_and_its_network() -> None:
    assert estimate_photo_work(B0, 448) == pytest.approx(4 * estimate_photo_work(B0, 224))
    assert estimate_photo_work(find_backbone("b7"), 224) > 3 * estimate_photo_work(B0, 224)
    assert estimate_photo_work(replace(B0, activations=0), 224) > 0, "a backbone of one's own counts as a usual one"


@pytest.mark.parametrize(
    ("settings", "folds", "photos"),
    [
        (FLIPPED, 5, (100 + 40) * 10),  # the mirrored photo is among the ten crops
        (replace(FLIPPED, tta="none"), 5, (100 + 40) * 2),
        (replace(FLIPPED, tta="none", flips=False), 1, 100 + 40),
        (FINE_TUNED, 1, 2 * (80 + 20) + 3 * (3 * 80 + 20) + 10 * (20 + 40)),
        (FINE_TUNED, 4, 4 * (2 * (80 + 20) + 3 * (3 * 80 + 20) + 10 * (20 + 40))),
    ],
    ids=["views once", "views of head and prediction", "one view", "a fold", "four folds"],
)
def test_a_job_counts_its_ways_through_the_network(settings: object, folds: int, photos: int) -> None:
    assert estimate_job_work(settings, B0, 100, 20, 40, folds) == pytest.approx(photos * estimate_photo_work(B0, 224))  # type: ignore[arg-type]


def test_a_fold_is_its_learning_and_its_prediction() -> None:
    parts = estimate_training_work(FINE_TUNED, B0, 80, 20) + estimate_prediction_work(FINE_TUNED, B0, 60)
    assert estimate_job_work(FINE_TUNED, B0, 100, 20, 40, 1) == pytest.approx(parts)


@pytest.mark.parametrize(
    ("work", "total", "slots", "least", "expected"),
    [
        pytest.param(800, 800, 8, 1, 8, id="a single member: one for each slot"),
        pytest.param(800, 800, 8, 200, 4, id="none is tiny"),
        pytest.param(100, 800, 8, 1, 2, id="one of many members: half a slot's share each"),
        pytest.param(40, 800, 8, 1, 1, id="less than that"),
        pytest.param(0, 0, 8, 1, 0, id="no work"),
        pytest.param(50, 50, 2, 100, 0, id="one that is tiny by itself"),
    ],
)
@pytest.mark.parametrize("on_gpu", [True, False])
def test_the_number_of_shards(
    work: float,
    total: float,
    slots: int,
    least: float,
    expected: int,
    on_gpu: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "MIN_SHARD_WORK_ON_GPU" if on_gpu else "MIN_SHARD_WORK"
    monkeypatch.setattr(f"ensembler.members.work.{name}", least)
    assert count_shards(work, total, slots, on_gpu=on_gpu) == expected
