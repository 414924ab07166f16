from __future__ import annotations

import dataclasses
import socket
from typing import Any

import keras
import numpy as np
import pytest
from helpers.members_made import make_member, record_of, small_competition

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.competition.tables import Tables
from ensembler.heads.jobs.keras_heads import build_random_head
from ensembler.inference.jobs import timing
from ensembler.inference.jobs.networks import join_head
from ensembler.inference.jobs.speed import measure_speed
from ensembler.members.jobs.speed import measure_member, save_training_speed
from ensembler.members.records import MemberRecord
from ensembler.paths import CompetitionFolder
from ensembler.progress import SILENT
from ensembler.serialization import read_json, write_json


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[CompetitionFolder, Tables]:
    return small_competition(tmp_path_factory.mktemp("speed"))


@pytest.fixture(scope="module")
def network() -> Any:
    backbone = build_backbone(find_backbone("demo-conv"), 8, "none", 0)
    head = build_random_head(int(backbone.output_shape[-1]), np.full(3, 1 / 3), 0, multiclass=True)
    return join_head(backbone, head, "demo-conv@x")


@pytest.fixture
def record(made: tuple[CompetitionFolder, Tables]) -> MemberRecord:
    return record_of(*made, "demo-conv@x")


def test_a_network_is_measured_one_photo_at_a_time_and_in_batches(network: Any, record: MemberRecord) -> None:
    speed = measure_speed(network, record.settings.batch_size)
    assert speed.parameters == network.count_params()
    assert speed.single == 100
    assert speed.batch_size == record.settings.batch_size == 32
    assert 0 < speed.milliseconds_per_photo < 1000
    # A batch shares what each call costs.
    assert speed.photos_per_second > 1e3 / speed.milliseconds_per_photo
    assert (speed.host, bool(speed.device), speed.threads >= 1) == (socket.gethostname(), True, True)


def test_a_slow_network_is_measured_a_few_times(
    network: Any, record: MemberRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "MAX_SECONDS", 0.0)
    assert measure_speed(network, record.settings.batch_size).single == timing.MIN_PREDICTIONS


def test_the_speed_of_a_training_is_kept_once_it_is_known(
    made: tuple[CompetitionFolder, Tables], record: MemberRecord
) -> None:
    folder, path = made[0], made[0].speed(record.name)
    record.save(folder)

    def read() -> tuple[int, float, float]:
        speed = record.load_speed(folder)
        assert speed is not None
        return speed.parameters, speed.photos_per_second, speed.milliseconds_per_photo

    save_training_speed(folder, record, 7, 0.0)
    assert read() == (7, 0, 0)
    save_training_speed(folder, record, 7, 123.4)
    save_training_speed(folder, record, 7, 99.0)
    save_training_speed(folder, record, 7, 0.0)
    assert read() == (7, 123.4, 0)
    write_json(path, {**read_json(path), "host": "elsewhere"})
    save_training_speed(folder, record, 7, 99.0)
    assert read() == (7, 99, 0)
    assert read_json(path)["host"] == socket.gethostname()


def test_four_rotations_take_four_times_as_long(made: tuple[CompetitionFolder, Tables], record: MemberRecord) -> None:
    settings = dataclasses.replace(record.settings, tta="rotations")
    turned = dataclasses.replace(record, name="turned", settings=settings)
    save_training_speed(made[0], turned, 7, 100.0)
    speed = turned.load_speed(made[0])
    assert speed is not None
    assert speed.photos_per_second == 25


@pytest.mark.parametrize("frozen", [True, False])
def test_a_trained_member_is_measured_from_its_files(
    made: tuple[CompetitionFolder, Tables], network: Any, frozen: bool
) -> None:
    folder, tables = made
    name = f"demo-conv@{'frozen' if frozen else 'tuned'}"
    make_member(folder, tables, name)
    record = MemberRecord.load(folder, name)
    backbone, head = network.layers[1:]
    if frozen:
        backbone.save(folder.member(name) / "backbone.keras")
        head.save(folder.fold(name, 0) / "head.keras")
    else:
        content = read_json(folder.member(name) / "member.json")
        content["settings"]["phases"] = [{"unfreeze": "all", "epochs": 1, "learning_rate": 0.1, "batch_norm": "frozen"}]
        write_json(folder.member(name) / "member.json", content)
        record = MemberRecord.load(folder, name)
        for fold in range(record.folds_count):
            path = folder.fold(name, fold) / "fold.json"
            write_json(path, {**read_json(path), "member": record.fingerprint})
        network.save(folder.fold(name, 0) / "model.keras")
    save_training_speed(folder, record, 7, 123.4)
    measure_member({"competition": str(folder.root), "member": name}, SILENT)
    speed = record.load_speed(folder)
    assert speed is not None
    assert speed.parameters == network.count_params()
    # What the training showed is not measured again.
    assert (speed.photos_per_second, speed.single) == (123.4, 100)
    keras.backend.clear_session()
