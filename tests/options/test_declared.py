from __future__ import annotations

from typing import Any

import pytest

from ensembler.backbones.custom import parse_custom_backbone
from ensembler.errors import BadChoice
from ensembler.options.phases import Phase
from ensembler.options.reading import read_options


def test_phases_are_text_tables_or_phases() -> None:
    phases: Any = ["all epochs=1 learning-rate=0.5", {"unfreeze": "all", "epochs": 1, "learning-rate": 0.5}]
    phase = Phase("all", 1, 0.5)
    assert read_options({"phases": [*phases, phase]})["phases"] == (phase, phase, phase)


def test_a_custom_backbone_is_text_a_table_or_a_backbone() -> None:
    text = "mine=nets:build,size=96,preprocessing=tf"
    table = {"mine": {"builder": "nets:build", "image-size": 96, "preprocessing": "tf"}}
    own = parse_custom_backbone(text)
    for backbones in ([text], table, [own]):
        assert read_options({"backbones": backbones})["backbones"] == (own,)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"phases": ["all"]}, "The phase 'all' lacks epochs and learning-rate"),
        ({"phases": 3}, "phases takes at least one phase in a list"),
        ({"backbones": ["a:b,size=8", "a:b,size=9"]}, "each custom backbone once. Received: a.b, a.b"),
        ({"backbones": {"mine": "a:b"}}, r"\[backbones\.mine\] must be a table"),
        (
            {"backbones": {"mine": {"builder": "a:b", "image-sise": 8}}},
            "There is no part of .* did you mean image_size",
        ),
        (
            {"backbones": {"mine": {"image_size": 8}}},
            "has no network: write either builder = 'module:function' or file",
        ),
        ({"backbones": {"mine": {"builder": "a:b", "file": "a.keras"}}}, "repeats a part: write either builder"),
        (
            {"backbones": {"mine": {"builder": "a:b", "image_size": 0}}},
            "size of the backbone a:b must be a whole number, at least 1. Received: 0",
        ),
        (
            {"backbones": {"mine": {"builder": "a:b", "image_size": 8, "preprocessing": "x"}}},
            "inside, tf, torch and caffe",
        ),
        ({"backbones": [3]}, "backbones takes backbones in a list"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        read_options(options)
