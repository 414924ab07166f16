"""The estimated memory of jobs, against peaks that were measured on a machine without a GPU (2 processors, 23 GB)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.members_made import SETTINGS

from ensembler.backbones.registry import find_backbone
from ensembler.members.memory import estimate_memory
from ensembler.options.phases import Phase

# Peaks of processes (VmHWM) in megabytes: photos of 224 pixels, random weights, 36 photos to learn from.
MEASURED = [
    ("b0", False, 8, 1032),
    ("b0", False, 32, 1423),
    ("b0", True, 8, 2110),
    ("b0", True, 32, 4336),
    ("resnet50", False, 8, 1208),
    ("resnet50", False, 32, 1433),
    ("mobilenetv2", False, 8, 972),
    ("mobilenetv2", True, 8, 1680),
]


@pytest.mark.parametrize(("name", "tuned", "batch_size", "megabytes"), MEASURED)
def test_estimates_are_near_the_measured_peaks(name: str, tuned: bool, batch_size: int, megabytes: int) -> None:
    phases = (Phase("all", 1, 0.01),) if tuned else ()
    settings = replace(SETTINGS, backbone=name, image_size=224, batch_size=batch_size, phases=phases)
    estimate = estimate_memory(settings, find_backbone(name), 36, on_gpu=False) / 1e6
    assert 0.8 < estimate / megabytes < 1.25


def test_features_of_a_network_that_is_tuned_later_need_less() -> None:
    settings = replace(SETTINGS, image_size=224, phases=(Phase("all", 1, 0.01),))
    backbone = find_backbone("b0")
    features = estimate_memory(settings, backbone, 36, on_gpu=False, tuned=False)
    assert features < estimate_memory(settings, backbone, 36, on_gpu=False) / 2


def test_a_gpu_holds_the_activations() -> None:
    sizes = {
        estimate_memory(replace(SETTINGS, batch_size=size), find_backbone("b0"), 0, on_gpu=True) for size in (8, 32)
    }
    assert len(sizes) == 1


def test_a_network_of_unknown_size_needs_an_unknown_amount() -> None:
    backbone = replace(find_backbone("b0"), parameters=0, activations=0)
    assert estimate_memory(SETTINGS, backbone, 36, on_gpu=False) == 0
