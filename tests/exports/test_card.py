from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.exports_made import make_card, make_figures

from ensembler.errors import BadData, EnsemblerError, Mismatch
from ensembler.exports.card import ExportRecord, locate_record, read_card_text, read_export_record, write_export_record


def make_record() -> ExportRecord:
    return ExportRecord(make_card(), 1e-4, 12, 3, make_figures(), make_figures(None), "a CPU", {"a.onnx": "0f"})


def test_a_card_and_a_record_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_card_text(make_card().to_text(), tmp_path / "a.onnx") == make_card()
    write_export_record(tmp_path / "a.onnx", make_record())
    assert locate_record(tmp_path / "a.onnx") == tmp_path / "a.onnx.json"
    assert read_export_record(tmp_path / "a.onnx") == make_record()


def test_the_json_tells_what_a_program_needs(tmp_path: Path) -> None:
    write_export_record(tmp_path / "a.onnx", make_record())
    card = json.loads((tmp_path / "a.onnx.json").read_text())["card"]
    assert (card["inputs"], card["output"], card["metric"]) == (["pixels_8", "pixels_12"], "probabilities", "log loss")
    network = card["network"]
    assert (network["task"], network["outputs"], network["image_sizes"]) == ("multiclass", ["a", "b", "c"], [8, 12])


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("", BadData, "contains no card of an export"),
        ("{", BadData, "is damaged"),
        ("{}", BadData, "is missing: export it again"),
        (replace(make_card(), version=2).to_text(), Mismatch, "has version 2 and pixels 2, expected 1"),
        (
            replace(make_card(), network=replace(make_card().network, pixels=9)).to_text(),
            Mismatch,
            "has version 1 and pixels 9",
        ),
    ],
)
def test_another_card_is_refused(text: str, kind: type[EnsemblerError], said: str) -> None:
    with pytest.raises(kind, match=said):
        read_card_text(text, Path("a.onnx"))


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_a_missing_or_damaged_record_is_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "a.onnx.json").write_text(content)
    assert read_export_record(tmp_path / "a.onnx") is None
