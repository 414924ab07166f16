from __future__ import annotations

import copy
import dataclasses
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.answers_made import DOGS

from ensembler.backbones.registry import find_backbone
from ensembler.competition.manifest import Manifest, TablesStamp
from ensembler.errors import BadData
from ensembler.members.records import FoldRecord, MemberRecord
from ensembler.members.stack_record import MemberUsed, StackRecord
from ensembler.members.training_job import TrainingJob
from ensembler.options.phases import Phase
from ensembler.options.resolve import choose_settings
from ensembler.paths import CompetitionFolder
from ensembler.serialization import (
    Exported,
    convert_to_plain,
    make_record,
    read_json,
    read_record,
    write_json,
    write_record,
)
from ensembler.stacking.card import StackCard, StackedMember, make_stack_card
from ensembler.submission.notebook.bundle import Bundle
from ensembler.surveys.candidates import Candidate
from ensembler.surveys.survey_job import HalvingResult, SurveyJob
from ensembler.workflows.fetch.answers import KaggleFacts

SETTINGS, _ = choose_settings(find_backbone("demo-conv"), {"weights": "none", "phases": [Phase("all", 2, 1e-3)]})
MEMBER = MemberRecord("a", SETTINGS, "0123", "4567", 3, ("cat", "dog"))
CANDIDATE = Candidate(MEMBER, "imagenet")
RECORDS = [
    DOGS,
    TablesStamp("0123"),
    MEMBER,
    FoldRecord("0123", 1, 0.25, 10, 1.5, "2026-01-31T12:00:00+00:00", {"head.keras": "89ab"}, 2.5, 3),
    StackRecord("a_b", (MemberUsed("a", "0123"), MemberUsed("b", "4567")), 0.3, "roc auc", 0.9, 0.01, "f", "s"),
    TrainingJob(CompetitionFolder(Path("/data/dogs")), "a", (0, 2), "none", checkpoint_minutes=2.0),
    SurveyJob("/data/dogs", (CANDIDATE,), (24, 96), 0, 3, 12.5, 1e9),
    HalvingResult({"a": 24}, {"b": "slow"}, {"c": "broken"}, more=True),
    make_stack_card("a_b", DOGS, [StackedMember("a", "layer", 8)]),
    Bundle("dogs", "a_b", ("dog",), {"cat": 3}, {"stack.keras": "0123"}),
    KaggleFacts("log loss", code_only=True),
]


def iterate_damages(content: Any, kept: Any, place: str = "") -> Iterator[tuple[Any, tuple[str, str]]]:
    """Yield ``content`` with one wrong value at any depth, and the possible names of its field.

    ``kept`` is the visited part of ``content``. The second name is that of a value in a dictionary, whose key msgspec
    does not report.
    """
    keys = list(kept) if isinstance(kept, dict) else range(len(kept)) if isinstance(kept, list) else []
    for key in keys:
        name = f"{place}[{key}]" if isinstance(kept, list) else f"{place}.{key}".lstrip(".")
        value = kept[key]
        kept[key] = [] if value is None or isinstance(value, dict) else {}
        yield copy.deepcopy(content), (name, f"{place}[...]")
        kept[key] = value
        yield from iterate_damages(content, value, name)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_as_it_was_written(tmp_path: Path, record: Any) -> None:
    write_record(tmp_path / "it.json", record)
    assert read_record(tmp_path / "it.json", type(record)) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_value_of_the_wrong_type_is_one_sentence_with_file_and_field(tmp_path: Path, record: Any) -> None:
    path, content = tmp_path / "it.json", convert_to_plain(record)
    for damaged, names in iterate_damages(content, content):
        write_json(path, damaged)
        with pytest.raises(BadData) as caught:
            read_record(path, type(record), "make it again.")
        message = str(caught.value)
        assert message.startswith(
            tuple(f"In {path}, {name} {verb} " for name in names for verb in ("must be", "is wrong"))
        )
        assert message.endswith(": make it again.")
        assert "\n" not in message


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_missing_field_is_one_sentence_or_has_its_default(tmp_path: Path, record: Any) -> None:
    path = tmp_path / "it.json"
    for field in dataclasses.fields(record):
        content = convert_to_plain(record)
        del content[field.name]
        write_json(path, content)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            with pytest.raises(BadData, match=rf"^In {path}, the field {field.name} is missing: make it again\.$"):
                read_record(path, type(record), "make it again.")
        else:
            value = getattr(read_record(path, type(record)), field.name)
            assert value == (field.default if field.default_factory is dataclasses.MISSING else field.default_factory())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda data: data["settings"]["phases"][0].pop("epochs"),
            r"the field settings\.phases\[0\]\.epochs is miss",
        ),
        (
            lambda data: data["settings"]["phases"][0].update(batch_norm="some"),
            r"settings\.phases\[0\]\.batch_norm must be one of frozen, train, not 'some'",
        ),
        (lambda data: data["settings"].update(seed="0"), r"settings\.seed must be a whole number, not text in quotes"),
        (lambda data: data["settings"].update(dropout=None), r"settings\.dropout must be a number, not nothing"),
        (lambda data: data.update(classes="ab"), "classes must be a list, not text in quotes"),
    ],
)
def test_errors_are_reported_at_any_depth(change: Any, says: str) -> None:
    data = convert_to_plain(MEMBER)
    change(data)
    with pytest.raises(BadData, match=says):
        make_record(data, MemberRecord, "member.json")


@pytest.mark.parametrize("content", ["[]", "3", "null", '"x"'])
def test_content_that_is_not_a_table_is_reported(tmp_path: Path, content: str) -> None:
    (tmp_path / "it.json").write_text(content)
    with pytest.raises(BadData, match="the content must be a table, not"):
        read_record(tmp_path / "it.json", MemberRecord)


def test_fingerprints_are_those_of_the_version_before() -> None:
    # Whole numbers in the fields of floats were hashed as floats.
    data = json.loads(json.dumps(dataclasses.asdict(MEMBER)))
    assert make_record(data, MemberRecord, "x").fingerprint == MEMBER.fingerprint
    del data["settings"]["pseudo_labels"]
    assert make_record(data, MemberRecord, "x").fingerprint == MEMBER.fingerprint


def test_plain_data_is_what_json_can_hold() -> None:
    @dataclasses.dataclass
    class Mixed:
        place: Path
        nothing: float
        counts: tuple[int, ...]
        score: Any

    data = convert_to_plain(Mixed(Path("/x"), math.nan, (1, 2), np.float32(0.5)))
    assert data == {"place": "/x", "nothing": None, "counts": [1, 2], "score": 0.5}
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_a_default_that_a_file_lacks_is_written(tmp_path: Path) -> None:
    write_json(tmp_path / "it.json", {})
    write_record(tmp_path / "it.json", read_record(tmp_path / "it.json", KaggleFacts))
    assert read_json(tmp_path / "it.json") == {"metric": "", "code_only": False}


def test_the_records_here_are_of_the_types_that_are_kept() -> None:
    assert {type(record) for record in RECORDS} >= {Manifest, MemberRecord, FoldRecord, StackRecord, StackCard, Bundle}


@dataclasses.dataclass(frozen=True)
class Part(Exported):
    path: Path
    count: float

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "double": 2 * self.count}


@dataclasses.dataclass(frozen=True)
class Whole(Exported):
    parts: tuple[Part, ...]
    by_name: dict[str, Part | None]


def test_an_exported_record_contains_the_derived_fields_of_its_parts() -> None:
    one, unknown = Part(Path("x"), 1.0), Part(Path("y"), math.nan)
    assert Whole((one,), {"a": unknown, "b": None}).to_json() == {
        "parts": [{"path": "x", "count": 1.0, "double": 2.0}],
        "by_name": {"a": {"path": "y", "count": None, "double": None}, "b": None},
    }


def test_names_of_files_that_are_not_utf_8_come_back(tmp_path: Path) -> None:
    names = [os.fsdecode(b"a\xff.jpg"), "é 狗.jpg"]
    write_json(tmp_path / "photos.json", names)
    assert read_json(tmp_path / "photos.json") == names
    assert "é 狗.jpg" in (tmp_path / "photos.json").read_text("utf-8")
