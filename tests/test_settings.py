from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ensembler.errors import BadChoice
from ensembler.members.registry import find_backbone
from ensembler.members.settings import MemberSettings, choose_settings, weights_file
from ensembler.storage import file_digest


def settled(name: str, weights: str, **changes: object) -> tuple[MemberSettings, str]:
    arguments: dict[str, object] = {"epochs": None, "image_size": None, "batch_size": 32, "seed": 0, **changes}
    unfreeze = arguments.pop("unfreeze", "all")
    return choose_settings(find_backbone(name), weights, unfreeze, **arguments)  # type: ignore[arg-type]


def test_a_frozen_member_has_no_epochs() -> None:
    assert settled("b0", "imagenet", unfreeze="none", epochs=7)[0].phases == ()


@pytest.mark.parametrize(("name", "size"), [("b3", 300), ("mobilenet-0.5", 160)])
def test_a_backbone_brings_its_own_size(name: str, size: int) -> None:
    assert settled(name, "imagenet")[0].image_size == size
    assert settled(name, "imagenet", image_size=96)[0].image_size == 96


def test_networks_from_nothing_train_longer_and_faster() -> None:
    pretrained, nothing = settled("b0", "imagenet")[0], settled("b0", "none")[0]
    assert nothing.phases[0].epochs > pretrained.phases[0].epochs
    assert nothing.phases[0].learning_rate > pretrained.phases[0].learning_rate


def test_weights_of_a_folder_are_known_by_their_content(tmp_path: Path) -> None:
    path = tmp_path / "b0.weights.h5"
    path.write_bytes(b"numbers")
    settings, source = settled("b0", str(tmp_path))
    assert settings.weights == file_digest(path)
    assert source == str(path)


def test_a_folder_without_the_weights_tells_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "b1.weights.h5").touch()
    with pytest.raises(BadChoice, match=r"no b0\.weights\.h5; it holds weights of b1"):
        weights_file(tmp_path, "b0")


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"epochs": 0}, "--epochs"), ({"image_size": 4}, "--image-size"), ({"batch_size": -1}, "--batch-size")],
)
def test_numbers_out_of_range_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        settled("b0", "imagenet", **changes)


def test_differences_are_told_by_name() -> None:
    settings = settled("b0", "imagenet")[0]
    told = settings.differences(replace(settings, image_size=96, seed=4))
    assert told == "image_size 224 (there) / 96 (asked), seed 0 (there) / 4 (asked)"
    assert settings.differences(settings) == ""
