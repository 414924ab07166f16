from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest

from ensembler.members.speed import Speed, load_speed, save_speed
from ensembler.paths import CompetitionFolder
from ensembler.serialization import write_json
from ensembler.storage import write_text

SPEED = Speed("print", 1234, 5.5, 210.0, 100, 32, "a processor", 2, socket.gethostname())


@pytest.fixture
def folder(tmp_path: Path) -> CompetitionFolder:
    return CompetitionFolder(tmp_path / "made")


def test_a_speed_is_kept_with_its_member(folder: CompetitionFolder) -> None:
    save_speed(folder, "b0@x", SPEED)
    assert load_speed(folder, "b0@x", "print") == SPEED
    assert load_speed(folder, "b0", "print") is None


def test_a_speed_of_other_settings_is_none(folder: CompetitionFolder) -> None:
    save_speed(folder, "b0", SPEED)
    assert load_speed(folder, "b0", "other") is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '"text"'])
def test_a_damaged_file_counts_as_not_measured(folder: CompetitionFolder, content: str) -> None:
    write_text(folder.member("b0") / "speed.json", content)
    assert load_speed(folder, "b0", "print") is None


def test_what_a_later_version_adds_is_left_alone(folder: CompetitionFolder) -> None:
    write_json(folder.member("b0") / "speed.json", {**dataclasses.asdict(SPEED), "watts": 7})
    assert load_speed(folder, "b0", "print") == SPEED


@pytest.mark.parametrize(("host", "here"), [(socket.gethostname(), True), ("elsewhere", False)])
def test_where_it_was_measured(host: str, here: bool) -> None:
    assert dataclasses.replace(SPEED, host=host).is_of_this_machine == here
