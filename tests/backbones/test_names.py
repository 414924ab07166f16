from __future__ import annotations

import pytest

from ensembler.backbones.names import (
    make_layer_name,
    make_layer_names,
    parse_backbone_name,
    resolve_member,
    resolve_member_names,
)
from ensembler.errors import BadChoice

BACKBONES = ("b0", "b1", "mine")


@pytest.mark.parametrize(
    ("member", "backbone"), [("b0", "b0"), ("b0@strong", "b0"), ("mobilenetv2-0.35@a_b-c.1", "mobilenetv2-0.35")]
)
def test_a_label_follows_the_backbone(member: str, backbone: str) -> None:
    assert parse_backbone_name(member) == backbone


@pytest.mark.parametrize(
    ("typed", "member"),
    [
        ("EfficientNetB0", "b0"),
        ("EfficientNetB0@strong", "b0@strong"),
        ("b0@EfficientNetB0", "b0@EfficientNetB0"),
        # Names that are there win.
        ("ResNet50", "ResNet50"),
        ("ResNet50@x", "ResNet50@x"),
        ("unknown", "unknown"),
    ],
)
def test_a_member_has_the_name_of_the_registry(typed: str, member: str) -> None:
    assert resolve_member(typed, ["b0", "ResNet50"]) == member


@pytest.mark.parametrize("member", ["b0@", "b0@a/b", "b0@a@b", "b0@a b", "b0@ä"])
def test_a_label_must_fit_into_a_file_name(member: str) -> None:
    with pytest.raises(BadChoice, match="write BACKBONE@LABEL"):
        parse_backbone_name(member)


@pytest.mark.parametrize(
    ("members", "name", "names"),
    [
        (["b0", "b1@x"], None, ["b0", "b1@x"]),
        (["b0"], "strong", ["strong"]),
        (["b0@x"], "b0@y", ["b0@y"]),
        (["b0@x"], "b0", ["b0"]),
        (["b0"], "v2s-like@1", ["v2s-like@1"]),
    ],
)
def test_members_are_called_as_they_were_typed_or_as_they_are_named(
    members: list[str], name: str | None, names: list[str]
) -> None:
    assert resolve_member_names(members, name, BACKBONES) == names


@pytest.mark.parametrize(
    ("members", "name", "words"),
    [
        (["b0", "b1"], "x", "name applies to a single member, but 2 were requested: b0, b1"),
        (["b0"], "b1", "b1 denotes a member of the backbone b1"),
        (["b0"], "mine@x", "mine@x denotes a member of the backbone mine"),
        (["b0"], "../x", "not a valid name of a member"),
        (["b0"], "", "not a valid name of a member"),
        (["b0"], "x@", "write BACKBONE@LABEL"),
    ],
)
def test_a_name_that_misleads_is_refused(members: list[str], name: str, words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        resolve_member_names(members, name, BACKBONES)


@pytest.mark.parametrize(
    ("member", "layer"),
    [
        ("b0", "b0"),
        ("mobilenetv2-0.35", "mobilenetv2-0.35"),
        ("b0@strong", "b0.strong"),
        # Names that layers of the stack have, or may get from Keras.
        ("members", "member-members"),
        ("add_1", "member-add_1"),
        ("stack", "member-stack"),
    ],
)
def test_layers_have_names_that_keras_and_tensorflow_take(member: str, layer: str) -> None:
    assert make_layer_name(member) == layer


def test_layers_of_two_members_are_told_apart() -> None:
    assert make_layer_names(["b0@x", "b0", "b0.x", "b0.x-2"]) == ["b0.x", "b0", "b0.x-2", "b0.x-2-2"]
