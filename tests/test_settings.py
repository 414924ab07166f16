from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from ensembler.members.choosing import choose_settings
from ensembler.members.phases import Phase
from ensembler.members.registry import find_backbone
from ensembler.members.settings import MemberSettings

PHASES = (Phase("none", 3, 1e-3), Phase("from:block5", 5, 1e-4, "train"))
FROZEN, _ = choose_settings(find_backbone("b0"), {"unfreeze": "none"})
TUNED = replace(FROZEN, phases=PHASES)


@pytest.mark.parametrize("settings", [FROZEN, TUNED], ids=["frozen", "fine-tuned"])
def test_settings_survive_json(settings: MemberSettings) -> None:
    assert MemberSettings.from_json(json.loads(json.dumps(asdict(settings)))) == settings


def test_a_member_without_phases_is_frozen() -> None:
    assert (FROZEN.frozen, TUNED.frozen) == (True, False)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (FROZEN, ""),
        (replace(FROZEN, image_size=96, seed=4), "image_size 224 (there) / 96 (asked), seed 0 (there) / 4 (asked)"),
        (replace(FROZEN, weights="0123456789abcdef"), "weights imagenet (there) / 0123456789ab (asked)"),
        (
            replace(FROZEN, phases=PHASES[1:]),
            "phases none (there) / from:block5 epochs=5 learning-rate=0.0001 batch-norm=train (asked)",
        ),
    ],
    ids=["none", "numbers", "weights", "phases"],
)
def test_differences_are_told_by_name(other: MemberSettings, told: str) -> None:
    assert FROZEN.differences(other) == told
