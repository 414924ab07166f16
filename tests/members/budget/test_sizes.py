from __future__ import annotations

from typing import Any, cast

import pytest

from ensembler.backbones.custom import make_custom_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.members.budget.sizes import list_smaller_sizes, list_ways_to_train
from ensembler.options.declared import TrainingOptions
from ensembler.options.reading import read_options
from ensembler.options.resolve import resolve_options
from ensembler.options.sources import OptionSource


@pytest.mark.parametrize(
    ("size", "smaller"),
    [
        (224, [192, 160, 128, 96]),
        (600, [480, 384, 320, 256, 224, 192, 160, 128, 96]),
        (128, [96]),
        (96, []),
        (8, []),
    ],
)
def test_sizes_go_down_in_steps_of_a_third_of_the_work(size: int, smaller: list[int]) -> None:
    assert list_smaller_sizes(size) == smaller


def ways(name: str, **options: Any) -> list[tuple[int, bool]]:
    backbone = find_backbone(name)
    source = OptionSource("command line", cast(TrainingOptions, options))
    settled = list_ways_to_train(backbone, resolve_options(backbone, [source]).options)
    return [(settings.image_size, settings.frozen) for settings, _ in settled]


def test_photos_become_smaller_then_the_backbone_stays_frozen() -> None:
    sizes = (160, 128, 96)
    expected = [*((size, False) for size in sizes), *((size, True) for size in sizes)]
    assert ways("mobilenet", unfreeze="all", epochs=5, image_size=160) == expected
    phases = {"phases": ("none epochs=1 learning-rate=1e-3",), "head": "random"}
    assert ways("mobilenet", image_size=160, **read_options(phases)) == expected


def test_what_was_never_pretrained_is_not_frozen() -> None:
    assert ways("mobilenet", weights="none", image_size=128) == [(128, False), (96, False)]
    assert ways("demo-conv", weights="none") == [(8, False)]


def test_a_frozen_member_only_becomes_smaller() -> None:
    assert ways("mobilenet", unfreeze="none", image_size=128) == [(128, True), (96, True)]


def test_a_network_of_ones_own_keeps_its_size() -> None:
    own = make_custom_backbone("mynets:build", "mine", 128, "tf")
    options = resolve_options(own, [OptionSource("command line", {"unfreeze": "all"})]).options
    settled = list_ways_to_train(own, options)
    assert [(settings.image_size, settings.frozen) for settings, _ in settled] == [(128, False), (128, True)]
