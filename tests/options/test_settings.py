from __future__ import annotations

import json
from dataclasses import asdict, replace

import msgspec
import pytest

from ensembler.backbones.registry import find_backbone
from ensembler.options.phases import Phase
from ensembler.options.resolve import choose_settings
from ensembler.options.settings import MemberSettings, list_differing_settings

PHASES = (Phase("none", 3, 1e-3), Phase("from:block5", 5, 1e-4, "train"))
FROZEN, _ = choose_settings(find_backbone("b0"), {"unfreeze": "none"})
TUNED = replace(FROZEN, phases=PHASES)


@pytest.mark.parametrize("settings", [FROZEN, TUNED], ids=["frozen", "fine-tuned"])
def test_settings_survive_json(settings: MemberSettings) -> None:
    assert msgspec.convert(json.loads(json.dumps(asdict(settings))), MemberSettings) == settings


def test_a_member_without_phases_is_frozen() -> None:
    assert (FROZEN.frozen, TUNED.frozen) == (True, False)


@pytest.mark.parametrize(
    ("other", "description"),
    [
        (FROZEN, ""),
        (
            replace(FROZEN, image_size=96, seed=4),
            "image_size 224 (stored) / 96 (requested), seed 0 (stored) / 4 (requested)",
        ),
        (replace(FROZEN, weights="0123456789abcdef"), "weights imagenet (stored) / 0123456789ab (requested)"),
        (
            replace(FROZEN, phases=PHASES[1:]),
            "unfreeze none (stored) / from:block5 (requested), epochs none (stored) / 5 (requested), "
            "learning_rate none (stored) / 0.0001 (requested), batch_norm none (stored) / train (requested)",
        ),
        (
            replace(FROZEN, phases=PHASES),
            "phases none (stored) / none epochs=3 learning-rate=0.001 batch-norm=frozen; "
            "from:block5 epochs=5 learning-rate=0.0001 batch-norm=train (requested)",
        ),
    ],
    ids=["none", "numbers", "weights", "one phase", "phases"],
)
def test_differences_are_described_by_name(other: MemberSettings, description: str) -> None:
    assert FROZEN.describe_differences(other) == description


def test_names_are_not_shortened() -> None:
    long = replace(FROZEN, backbone="mobilenetv2-0.35", builder="my_networks:build_it")
    settings = list_differing_settings([FROZEN, long])[1]
    assert (settings["backbone"], settings["builder"]) == ("mobilenetv2-0.35", "my_networks:build_it")


def test_what_differs_between_members() -> None:
    first, second = replace(TUNED, phases=(Phase("all", 3, 1e-4),)), replace(TUNED, phases=(Phase("all", 5, 1e-4),))
    assert list_differing_settings([first, second, second]) == [{"epochs": "3"}, {"epochs": "5"}, {"epochs": "5"}]
    assert list_differing_settings([FROZEN]) == [{}]


@pytest.mark.parametrize(
    ("backbone", "differences"),
    [("b0", [{"weights": "0" * 12}, {"weights": "1" * 12}]), ("b1", [{"backbone": "b0"}, {"backbone": "b1"}])],
    ids=["of one backbone", "of two"],
)
def test_files_of_weights_are_distinguished_if_they_could_be_equal(
    backbone: str, differences: list[dict[str, str]]
) -> None:
    members = [replace(FROZEN, weights="0" * 64), replace(FROZEN, weights="1" * 64, backbone=backbone)]
    assert list_differing_settings(members) == differences
