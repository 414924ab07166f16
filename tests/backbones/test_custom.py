from __future__ import annotations

from typing import Any

import pytest

from ensembler.backbones.custom import make_custom_backbone, parse_custom_backbone, read_backbone_table
from ensembler.backbones.registry import Backbone
from ensembler.errors import BadChoice


@pytest.mark.parametrize(
    ("text", "table", "backbone"),
    [
        (
            "mine=nets.small:build,size=96, preprocessing=tf",
            {"builder": "nets.small:build", "image-size": 96, "preprocessing": "tf"},
            Backbone("mine", "nets.small:build", 96, "tf", is_custom=True),
        ),
        (
            "mine=nets:build,image-size=8",
            {"builder": "nets:build", "image_size": 8},
            Backbone("mine", "nets:build", 8, "inside", is_custom=True),
        ),
    ],
)
def test_text_and_tables_describe_the_same_backbones(text: str, table: dict[str, Any], backbone: Backbone) -> None:
    assert parse_custom_backbone(text) == read_backbone_table("mine", table) == backbone


def test_a_backbone_without_a_name_has_the_name_of_its_function() -> None:
    assert parse_custom_backbone("nets:build,size=8").name == "nets.build"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"'' is not a custom backbone: write \[NAME=\]module:function"),
        ("nets", "'nets' is not a custom backbone"),
        ("nets:build", "The backbone nets:build has no image size: add ,size=PIXELS"),
        ("nets:build,size=8,size=9", "'nets:build,size=8,size=9' repeats a part: write"),
        ("nets:build,size=8,image-size=8", "repeats a part"),
        ("nets:build,file=net.keras,size=8", "repeats a part"),
        ("nets:build,sise=8", "no part of 'nets:build,sise=8' named 'sise': did you mean size"),
        ("nets:build,size=", r"must be a whole number, at least 1\. Received: $"),
        ("nets:build,size=0", r"must be a whole number, at least 1\. Received: 0"),
        ("nets:build,size=1.5", r"must be a whole number, at least 1\. Received: 1\.5"),
        ("nets:build,size=8,preprocessing=x", r"one of inside, tf, torch and caffe\. Received: x"),
        ("b0=nets:build,size=8", "b0 is a backbone of keras.applications"),
        ("nowhere.keras", r"nowhere\.keras does not exist"),
    ],
)
def test_wrong_text_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        parse_custom_backbone(text)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"builder": "nets:build", "image_size": True}, r"must be a whole number, at least 1\. Received: True"),
        ({"builder": "nets:build", "image_size": 8.5}, r"must be a whole number, at least 1\. Received: 8\.5"),
        ({"builder": 3, "image_size": 8}, "3 is not a custom backbone"),
    ],
)
def test_wrong_tables_are_refused(table: dict[str, Any], words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        read_backbone_table("mine", table)
    with pytest.raises(BadChoice, match=words):
        make_custom_backbone(name="mine", **table)
