from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from helpers.copies_made import COPIES, scene
from helpers.photos import Heard
from PIL import Image

from ensembler.images.near_duplicates import find_near_duplicates
from ensembler.images.perceptual_hash import hash_photos
from ensembler.images.similarity import Thumbnail, make_thumbnail
from ensembler.progress import SILENT


def small(photo: Image.Image) -> Thumbnail:
    made = make_thumbnail(photo)
    assert made is not None
    return made


OTHERS = {f"other {seed}": small(scene(1000 + seed)) for seed in range(60)}


def pairs_of(photos: dict[str, Image.Image], **options: object) -> set[tuple[str, str]]:
    miniatures = {**OTHERS, **{name: small(photo) for name, photo in photos.items()}}
    return {(pair.one, pair.other) for pair in find_near_duplicates(miniatures, SILENT, **options)}  # type: ignore[arg-type]


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES.keys())
def test_copies_are_found_and_nothing_else_is(copy: Callable[[Image.Image], Image.Image]) -> None:
    for seed in range(5):
        assert pairs_of({"a": scene(seed), "b": copy(scene(seed))}) == {("a", "b")}


def test_how_alike_they_are_is_told() -> None:
    [pair] = find_near_duplicates({"a": small(scene(0)), "b": small(COPIES["compressed"](scene(0)))}, SILENT)
    assert pair.distance <= 4
    assert 0.98 < pair.similarity <= 1
    [same] = find_near_duplicates({"a": small(scene(0)), "b": small(scene(0))}, SILENT)
    assert (same.distance, same.similarity) == (0, 1.0)


def gradient(slope: float, seed: int) -> Image.Image:
    light = np.linspace(40, 40 + slope, 100)[None, :] + np.random.default_rng(seed).normal(0, 4, (90, 100))
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)).convert("RGB")


def test_blank_and_dark_photos_and_skies_are_not_all_the_same() -> None:
    photos = {
        **{f"black {number}": gradient(0, number) for number in range(4)},
        **{f"sky {number}": gradient(100 + 10 * number, number) for number in range(4)},
        "white": Image.new("RGB", (90, 90), (255, 255, 255)),
        "nearly white": Image.new("RGB", (90, 90), (250, 252, 251)),
    }
    assert pairs_of(photos) == set()


def test_the_same_shapes_in_another_colour_are_another_photo() -> None:
    grey = np.asarray(scene(0).convert("L"))
    red = Image.fromarray(np.stack([grey, grey // 3, grey // 3], axis=-1))
    blue = Image.fromarray(np.stack([grey // 3, grey // 3, grey], axis=-1))
    assert pairs_of({"red": red, "blue": blue}) == set()
    assert pairs_of({"red": red, "grey": red.convert("L").convert("RGB")}) == {("red", "grey")}


def test_what_all_photos_have_in_common_makes_no_two_the_same() -> None:
    """Photos through one frame, with little of their own, such as X-rays: correlated, but others."""
    frame = np.asarray(scene(0), dtype=float)
    photos = {
        str(seed): Image.fromarray(np.clip(0.8 * frame + 0.2 * np.asarray(scene(seed)), 0, 255).astype(np.uint8))
        for seed in range(1, 300)
    }
    copy = {"copy": COPIES["compressed"](photos["7"])}
    miniatures = {name: small(photo) for name, photo in {**photos, **copy}.items()}
    correlation = np.corrcoef(miniatures["1"].grey.ravel(), miniatures["2"].grey.ravel())[0, 1]
    assert correlation > 0.94
    assert [(pair.one, pair.other) for pair in find_near_duplicates(miniatures, SILENT)] == [("7", "copy")]


def test_photos_to_predict_are_not_compared_with_each_other() -> None:
    photos = {"train": scene(0), "test 1": COPIES["compressed"](scene(0)), "test 2": COPIES["brighter"](scene(0))}
    assert pairs_of(photos, to_predict={"test 1", "test 2"}) == {("train", "test 1"), ("train", "test 2")}


def test_small_photos_have_no_miniature() -> None:
    assert make_thumbnail(scene(0, (31, 60))) is None
    assert make_thumbnail(scene(0, (32, 60))) is not None


def test_progress_hears_of_it_once_there_is_something_to_compare() -> None:
    heard = Heard()
    assert find_near_duplicates({}, heard) == find_near_duplicates({"a": small(scene(0))}, heard) == []
    assert heard.labels == []
    find_near_duplicates(OTHERS, heard)
    assert heard.labels == ["look for near-duplicates"]


def test_hashes_of_photos_that_are_brighter_stay_and_of_others_do_not() -> None:
    grey = np.stack([small(scene(seed)).grey for seed in range(20)]).astype(np.float32)
    assert (hash_photos(grey) == hash_photos(0.5 * grey + 30)).mean() > 0.9
    assert len(set(hash_photos(grey).tolist())) == 20
