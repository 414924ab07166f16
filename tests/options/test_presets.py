from __future__ import annotations

from typing import Any, get_args

import pytest

from ensembler.backbones.registry import BACKBONES, Backbone, find_backbone
from ensembler.options.declared import Preset, TrainingOptions
from ensembler.options.presets import (
    CPU_OPTIONS,
    FAMILY_OPTIONS,
    FROM_SCRATCH_OPTIONS,
    PRESETS,
    TINY_OPTIONS,
    Machine,
    list_default_sources,
)
from ensembler.options.reading import DEFAULTS, OPTIONS, read_options
from ensembler.options.sources import merge_sources

GIBIBYTE = 2**30
CPU, GPU = Machine(8 * GIBIBYTE), Machine(16 * GIBIBYTE, ((8, 0),))
OWN = Backbone("vgg-mine", "nets:build", 96, "tf", is_custom=True)


def defaults(
    name: str = "b0", asked: TrainingOptions | None = None, preset: Preset = "good", machine: Machine = CPU
) -> dict[str, Any]:
    backbone = OWN if name == OWN.name else find_backbone(name)
    return dict(merge_sources(list_default_sources(backbone, asked or {}, preset, machine)).options)


@pytest.mark.parametrize("preset", get_args(Preset))
@pytest.mark.parametrize("machine", [CPU, GPU], ids=["cpu", "gpu"])
@pytest.mark.parametrize("name", ["b0", "vgg16", "demo-conv", OWN.name])
def test_every_option_has_a_default_but_those_that_need_none(preset: Preset, machine: Machine, name: str) -> None:
    assert defaults(name, preset=preset, machine=machine).keys() == set(OPTIONS) - {
        "phases",
        "backbones",
        "exclude",
        "relabel",
    }


@pytest.mark.parametrize(
    "options",
    [DEFAULTS, *PRESETS.values(), *CPU_OPTIONS.values(), *FAMILY_OPTIONS.values(), FROM_SCRATCH_OPTIONS, TINY_OPTIONS],
)
def test_all_tables_hold_values_that_fit(options: TrainingOptions) -> None:
    assert read_options(options) == options


def test_presets_set_the_same_options() -> None:
    assert {frozenset(options) for options in PRESETS.values()} == {frozenset(PRESETS["good"])}
    assert not DEFAULTS.keys() & PRESETS["good"].keys()


@pytest.mark.parametrize("family", FAMILY_OPTIONS)
def test_each_family_is_in_the_registry(family: str) -> None:
    assert any(name.startswith(family) for name in BACKBONES)


@pytest.mark.parametrize(
    ("preset", "machine", "found"),
    [
        ("quick", CPU, {"unfreeze": "none", "flips": False, "tta": "none"}),
        ("quick", GPU, {"unfreeze": "none", "flips": False, "tta": "none"}),
        ("good", CPU, {"unfreeze": "none", "flips": True, "tta": "flip"}),
        ("good", GPU, {"unfreeze": "all", "epochs": 5, "augmentation": "crops", "tta": "flip", "ema": 0.0}),
        ("best", CPU, {"unfreeze": "all", "epochs": 10, "augmentation": "strong", "tta": "crops"}),
        ("best", GPU, {"unfreeze": "all", "epochs": 10, "augmentation": "strong", "tta": "crops"}),
    ],
    ids=lambda value: str(value)[:12] if isinstance(value, str) else "",
)
def test_what_presets_set(preset: Preset, machine: Machine, found: TrainingOptions) -> None:
    assert defaults(preset=preset, machine=machine).items() >= found.items()


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ((), "float32"),
        (((6, 1),), "float32"),
        (((7, 0),), "float16"),
        (((7, 5), (8, 9)), "float16"),
        (((8, 0), (9, 0)), "bfloat16"),
        (((12, 0),), "bfloat16"),
        (((9, 0), (6, 1)), "float32"),
    ],
    ids=str,
)
def test_precision_is_what_all_gpus_are_fast_at(capabilities: tuple[tuple[int, int], ...], precision: str) -> None:
    assert Machine(0, capabilities).precision == precision


def test_families_have_rates_of_their_own_if_they_are_pretrained() -> None:
    usual = defaults("b0")
    assert defaults("vgg16")["learning_rate"] < usual["learning_rate"]
    assert defaults("convnextt")["learning_rate"] < usual["learning_rate"]
    assert defaults("convnextt")["weight_decay"] > usual["weight_decay"]
    assert (
        defaults("vgg16", {"weights": "none"})["learning_rate"] == defaults("b0", {"weights": "none"})["learning_rate"]
    )
    assert defaults(OWN.name)["learning_rate"] == usual["learning_rate"]


def test_from_nothing_all_is_trained_longer_and_faster() -> None:
    usual, nothing = defaults(), defaults(asked={"weights": "none"})
    assert (nothing["unfreeze"], nothing["head"], nothing["batch_norm"]) == ("all", "random", "train")
    assert nothing["epochs"] > usual["epochs"]
    assert nothing["learning_rate"] > usual["learning_rate"]
    assert defaults(asked={"weights": "none", "unfreeze": "none"})["head"] == "fitted"
    assert defaults(OWN.name, {"weights": "none"})["head"] == "fitted"


@pytest.mark.parametrize("preset", get_args(Preset))
def test_digits_are_never_mirrored(preset: Preset) -> None:
    found = defaults("demo-conv", {"weights": "none"}, preset, GPU)
    assert found.items() >= {"flips": False, "augmentation": "none", "tta": "none", "precision": "float32"}.items()
    assert (found["learning_rate"], found["weight_decay"], found["clip_norm"]) == (5e-3, 0, 0)


@pytest.mark.parametrize(("preset", "augmentation"), [("quick", "none"), ("good", "pixels"), ("best", "pixels")])
def test_without_flips_nothing_is_mirrored(preset: Preset, augmentation: str) -> None:
    found = defaults(asked={"flips": False}, preset=preset)
    assert (found["tta"], found["augmentation"]) == ("none", augmentation)
    assert defaults("demo-conv", {"flips": False}, preset)["augmentation"] == "none"


@pytest.mark.parametrize(
    ("name", "asked", "machine", "most"),
    [
        ("mobilenetv2-0.35", {}, Machine(2**40), 32),
        ("mobilenetv2-0.35", {}, Machine(), 32),
        ("mobilenetv2-0.35", {}, Machine(2**40, ((8, 0),)), 64),
        ("b7", {}, Machine(4 * GIBIBYTE, ((8, 0),)), 4),
        ("b7", {"image_size": 64}, Machine(8 * GIBIBYTE, ((8, 0),)), 64),
    ],
    ids=["cpu", "unknown", "large gpu", "small gpu", "small photos"],
)
def test_photos_a_step_follow_memory(name: str, asked: TrainingOptions, machine: Machine, most: int) -> None:
    assert defaults(name, asked, machine=machine)["batch_size"] == most


def test_gpus_that_share_a_step_get_a_full_batch_each() -> None:
    three = Machine(2**40, ((8, 0),) * 3)
    assert defaults(asked={"data_parallel": True}, machine=three)["batch_size"] == 3 * 64
    assert defaults(asked={"data_parallel": True})["batch_size"] == 32


def test_what_holds_for_any_backbone_leaves_sizes_open() -> None:
    found = merge_sources(list_default_sources(None, {}, "good", CPU)).options
    assert found.keys() == set(OPTIONS) - {"phases", "backbones", "image_size", "batch_size", "exclude", "relabel"}
