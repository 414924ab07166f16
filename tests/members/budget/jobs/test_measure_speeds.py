"""Speeds of a small network, measured for real; what is dear must come out dearer."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from helpers.members_made import SETTINGS, small_competition

from ensembler.inference.speeds import NetworkSpeed, TrainingSpeed
from ensembler.members.budget.jobs.measure_speeds import measure_speeds
from ensembler.options.phases import Phase
from ensembler.options.settings import MemberSettings
from ensembler.paths import CompetitionFolder
from ensembler.progress import SILENT
from ensembler.serialization import make_record


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> CompetitionFolder:
    return small_competition(tmp_path_factory.mktemp("measured"))[0]


def measured(folder: CompetitionFolder, *settings: MemberSettings) -> tuple[list[TrainingSpeed], float]:
    members = [{"settings": asdict(one), "weights": "none"} for one in settings]
    spec = {"competition": str(folder.root), "members": members, "data_parallel": False}
    reply: dict[str, Any] = measure_speeds(spec, SILENT)
    speeds = make_record(reply["speeds"], list[NetworkSpeed], "the job")
    assert all(speed.parameters > 0 < speed.photos_per_second for speed in speeds)
    return [speed.training for speed in speeds if speed.training], reply["seconds"]


@pytest.mark.slow
def test_each_piece_of_work_is_measured(folder: CompetitionFolder) -> None:
    phases = (Phase("none", 1, 0.01), Phase("all", 2, 0.01))
    tuned = replace(SETTINGS, phases=phases, head="random", image_size=64)
    (frozen, fine), seconds = measured(folder, replace(SETTINGS, image_size=64), tuned)
    assert frozen.phases == ()
    assert frozen.head > 0 == fine.head
    assert len(fine.phases) == 2
    for one in (frozen, fine):
        assert 0 < one.view < 1
        assert 0 < one.decode < one.predict + 0.01 < 1
        assert 0 < one.build < seconds
        assert 0 < one.save < seconds
    last = fine.phases[1]
    assert 0 < last.photo < 1
    # The first update compiles too.
    assert last.first > 0
    assert sum(phase.first for phase in fine.phases) < seconds
    assert sorted(path.name for path in folder.root.iterdir() if path.is_dir()) == []


def test_the_settings_of_the_file_are_needed(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="Cannot read"):
        measure_speeds({"competition": str(tmp_path), "members": [], "data_parallel": False}, SILENT)
