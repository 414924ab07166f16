from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.jobs.views import add_view, average_rotations, average_views
from ensembler.backbones.jobs.views import apply_view as apply_view_layers
from ensembler.backbones.registry import find_backbone
from ensembler.competition.orientation.rotations import average_rotations as average_rows
from ensembler.heads.jobs.keras_heads import build_random_head
from ensembler.images.augmentation.photos import apply_view
from ensembler.images.views import MIRRORED_VIEW, VIEWS, WHOLE_VIEW, View
from ensembler.inference.jobs.networks import join_head

SIZE = 24
SMOOTH = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 6, 3)).astype(np.uint8)).resize((SIZE, SIZE))
PIXELS = np.array(SMOOTH)[None]


def seen(view: View) -> np.ndarray:
    pixels = keras.Input((SIZE, SIZE, 3))
    return keras.Model(pixels, apply_view_layers(pixels, view)).predict(PIXELS, verbose=0)


@pytest.mark.parametrize("view", VIEWS["crops"], ids=str)
def test_a_view_in_a_network_is_the_one_that_augmentation_makes(view: View) -> None:
    ours = np.array(apply_view(SMOOTH, view), dtype=np.float32)
    assert np.abs(seen(view)[0] - ours).max() < 1  # Pillow rounds to whole numbers, twice


def test_the_ten_views_differ() -> None:
    every = [seen(view) for view in VIEWS["crops"]]
    assert len(every) == 10
    assert all(np.abs(a - b).max() > 10 for n, a in enumerate(every) for b in every[:n])
    assert np.array_equal(seen(WHOLE_VIEW), PIXELS.astype("f4"))
    assert np.array_equal(seen(MIRRORED_VIEW), PIXELS[:, :, ::-1].astype("f4"))


@pytest.mark.parametrize("views", ["none", "flip", "crops"])
def test_answers_are_averaged_and_the_network_stands_once_in_the_file(views: str, tmp_path: Path) -> None:
    backbone = build_backbone(find_backbone("demo-conv"), 8, "none", 0)
    model = join_head(backbone, build_random_head(96, np.array([0.3]), 0, multiclass=False), "member")
    whole = average_views(model, views)  # type: ignore[arg-type]
    whole.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    photos = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    each = [add_view(model, view).predict(photos, verbose=0) for view in VIEWS[views]]  # type: ignore[index]
    assert loaded.predict(photos, verbose=0) == pytest.approx(np.mean(each, axis=0), abs=1e-6)
    assert loaded.count_params() == model.count_params()
    assert len({float(answer[0, 0]) for answer in each}) == len(each)


def test_rotations_of_a_photo_are_averaged_as_those_of_its_rows(tmp_path: Path) -> None:
    backbone = build_backbone(find_backbone("demo-conv"), 8, "none", 0)
    head = build_random_head(int(backbone.output_shape[-1]), np.full(4, 0.25), 0, multiclass=True)
    network = join_head(backbone, head, "member")
    photos = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype("f4")
    rows = np.concatenate([[np.rot90(photo, turns) for turns in range(4)] for photo in photos])
    expected = average_rows(network.predict(rows, verbose=0))
    averaged = average_rotations(network)
    averaged.save(tmp_path / "averaged.keras")
    loaded = keras.saving.load_model(tmp_path / "averaged.keras")
    assert np.abs(loaded.predict(rows, verbose=0) - expected).max() < 1e-6
    assert np.abs(expected - network.predict(rows, verbose=0)).max() > 1e-3
