from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest
from helpers.exports_made import make_card

from ensembler.errors import BadChoice, BadData
from ensembler.exports.network_files import find_network_file
from ensembler.stacking.card import attach_card


def test_an_exported_file_is_described_by_its_job(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").touch()
    network = find_network_file(tmp_path / "a.onnx")
    assert network.function == "ensembler.exports.jobs.check:predict_exported"
    result = json.loads(json.dumps({"card": asdict(make_card())}))
    assert network.read_card(result) == make_card().network


def test_a_stack_is_described_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "stack.keras"
    zipfile.ZipFile(file, "w").close()
    attach_card(file, make_card().network)
    network = find_network_file(file)
    assert network.function == "ensembler.stacking.jobs.loaded_stack:predict_files"
    assert network.read_card({}) == make_card().network


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.keras").write_bytes(b"no zip")
    with pytest.raises(BadData, match=r"Cannot read .*a\.keras"):
        find_network_file(tmp_path / "a.keras")
    with pytest.raises(BadChoice, match="does not exist"):
        find_network_file(tmp_path / "a.onnx")
