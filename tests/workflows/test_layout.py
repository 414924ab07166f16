from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner
from helpers.photos import write_photo

from ensembler.cli.main import commands
from ensembler.competition.layout.hints import Hints
from ensembler.errors import BadData
from ensembler.paths import Workspace
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.layout import layout


@pytest.fixture
def pets(tmp_path, workspace):
    root = tmp_path / "photos"
    for seed, name in enumerate(("cat", "dog")):
        for row in range(4):
            write_photo(root / name / f"{name}{row}.jpg", 10 * seed + row)
    return adopt(root, "pets", hints=Hints(metric="accuracy"), workspace=workspace)


def test_each_property_has_a_source_and_a_rule(pets, workspace):
    shown = layout("pets", workspace=workspace)
    found = {finding.subject: finding for finding in shown.findings}
    assert set(found) >= {"labels", "task", "training photos", "test photos", "answer", "metric"}
    assert found["labels"].rule == "each photo is in a folder named after its class"
    assert found["labels"].examples[0] == "cat/cat0.jpg: cat"
    assert (found["metric"].value, found["metric"].rule) == ("accuracy", "chosen with --metric")
    text = str(shown)
    assert "labels, for example: cat/cat0.jpg: cat; " in text
    assert "No evidence" not in text


def test_unused_files_and_doubts_are_shown(pets, workspace):
    record = json.loads(pets.folder.evidence.read_text("utf-8"))
    record["unused"] = [{"path": "notes.csv", "reason": "no id is a photo"}]
    record["doubts"] = ["The separator is a guess."]
    pets.folder.evidence.write_text(json.dumps(record), "utf-8")
    text = str(layout("pets", workspace=workspace))
    assert "not used: notes.csv: no id is a photo" in text
    assert "doubt: The separator is a guess." in text


def test_a_manifest_without_evidence_says_so(pets, workspace):
    pets.folder.evidence.unlink()
    shown = layout("pets", workspace=workspace)
    assert not shown.has_evidence
    assert "No evidence is recorded for pets" in str(shown)
    assert re.search(r"`ensembler\.adopt\('\S+', name='pets', force=True\)` detects", str(shown))
    assert "train.labels = folders" in str(shown)


def test_a_damaged_record_is_an_error(pets, workspace):
    pets.folder.evidence.write_text("{", "utf-8")
    with pytest.raises(BadData, match=r"layout\.json"):
        layout("pets", workspace=workspace)


def test_the_command_prints_json(pets, workspace: Workspace):
    ended = CliRunner().invoke(commands, ["--data", str(workspace.data), "layout", "-c", "pets", "--json"])
    content = json.loads(ended.stdout)
    assert set(content) == {"name", "manifest", "findings", "unused", "doubts", "has_evidence"}
    assert content["manifest"]["train"]["labels"] == "folders"
    assert set(content["findings"][0]) == {"subject", "value", "source", "rule", "examples"}
