from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ensembler.competition.pixels import PixelRule
from ensembler.competition.samples import PIXELS_VERSION, RULED_PIXELS_VERSION
from ensembler.errors import BadChoice, BadData, EnsemblerError, Mismatch
from ensembler.stacking.card import CARD_FILE, CARD_VERSION, StackedMember, attach_card, make_stack_card, read_card

MEMBERS = (StackedMember("b2", "b2", 260), StackedMember("b0@strong", "b0.strong", 224), StackedMember("b0", "b0", 224))


def manifest(task: Any, classes: tuple[str, ...] = ("cat", "dög")) -> Manifest:
    answer = AnswerLayout("sample.csv", "id", ("label",), "probabilities")
    return Manifest("pets", "", task, classes, ".", TrainLayout("train", "names"), TestLayout("test"), answer)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A zip like those of Keras, without a card."""
    path = tmp_path / "stack.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    return path


@pytest.mark.parametrize(
    ("task", "outputs"), [("binary", ("dög",)), ("multiclass", ("cat", "dög")), ("multilabel", ("cat", "dög"))]
)
def test_a_copy_of_the_file_contains_the_card(file: Path, tmp_path: Path, task: Any, outputs: Any) -> None:
    card = make_stack_card("both", manifest(task), MEMBERS)
    attach_card(file, card)
    copied = Path(shutil.copyfile(file, tmp_path / "copy.keras"))
    assert read_card(copied) == card
    assert (card.outputs, card.members, card.image_sizes) == (outputs, MEMBERS, (224, 260))
    assert zipfile.ZipFile(copied).namelist() == ["config.json", CARD_FILE]


def test_a_rule_of_pixels_is_in_the_card_and_refused_by_versions_that_would_ignore_it(file: Path) -> None:
    rule = PixelRule("black", unsigned=(0, 4095))
    card = make_stack_card("both", replace(manifest("multiclass"), pixels=rule), MEMBERS)
    attach_card(file, card)
    assert read_card(file) == card
    assert (card.pixels, card.pixel_rule) == (RULED_PIXELS_VERSION, rule)
    assert make_stack_card("both", manifest("multiclass"), MEMBERS).pixels == PIXELS_VERSION != RULED_PIXELS_VERSION


def test_a_card_of_an_earlier_version_has_no_rule_of_pixels(file: Path) -> None:
    card = make_stack_card("both", manifest("multiclass"), MEMBERS)
    with zipfile.ZipFile(file, "a") as archive:
        fields = {key: value for key, value in asdict(card).items() if key != "pixel_rule"}
        archive.writestr(CARD_FILE, json.dumps({"format": CARD_VERSION, **fields}))
    assert read_card(file) == card


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"format": CARD_VERSION + 1}, Mismatch, f"has format version {CARD_VERSION + 1}, expected {CARD_VERSION}"),
        ({"pixels": RULED_PIXELS_VERSION + 1}, Mismatch, "has pixels version"),
        ({"task": "regression"}, BadData, "task must be one of binary, multiclass, multilabel, not 'regression'"),
        ({"members": [{"name": "b0"}]}, BadData, r"the field members\[0\].layer is missing: build the stack again"),
        ({"members": 3}, BadData, "members must be a list, not a whole number"),
        ({"format": None}, BadData, "format must be a whole number, not nothing"),
    ],
)
def test_unknown_versions_and_values_are_refused(
    file: Path, change: dict[str, Any], kind: type[EnsemblerError], message: str
) -> None:
    attach_card(file, make_stack_card("both", manifest("multiclass"), MEMBERS))
    with zipfile.ZipFile(file) as archive:
        fields = json.loads(archive.read(CARD_FILE))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(CARD_FILE, json.dumps(fields | change))
    with pytest.raises(kind, match=message):
        read_card(file)


@pytest.mark.parametrize("content", ["[]", "3", "{}", "no json"])
def test_a_damaged_card_is_one_sentence(file: Path, content: str) -> None:
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(CARD_FILE, content)
    with pytest.raises(BadData, match=r"ensembler\.stack\(\)"):
        read_card(file)


def test_files_without_a_card_are_one_sentence(file: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"does not contain ensembler\.json"):
        read_card(file)
    other = tmp_path / "other"
    other.write_text("not a zip")
    with pytest.raises(BadData, match=r"Cannot read .*other as a \.keras file"):
        read_card(other)
    with pytest.raises(BadChoice, match=r"The file .*nowhere does not exist"):
        read_card(tmp_path / "nowhere")
