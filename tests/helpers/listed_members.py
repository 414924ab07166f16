"""Rows of the list of members, made up here."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

from ensembler.inference.speeds import NetworkSpeed
from ensembler.workflows.members.listed_member import ListedMember

HERE = socket.gethostname()
SPEED = NetworkSpeed(
    member="print",
    parameters=4_049_571,
    milliseconds_per_photo=12.345,
    photos_per_second=210.04,
    single=100,
    batch_size=32,
    device="a processor",
    threads=2,
    host=HERE,
)
MEMBER = ListedMember(
    name="b0",
    folder=Path("members/b0"),
    settings={"backbone": "b0", "epochs": "5"},
    folds_done=5,
    folds=5,
    fold_log_losses=(0.1,) * 5,
    log_loss=0.12345,
    log_loss_spread=0.01,
    accuracy=0.95,
    metric="log loss",
    score=0.12345,
    standard_error=0.002,
    seconds=60.0,
    seconds_per_epoch=2.25,
    speed=SPEED,
    bytes_on_disk=16_200_000,
    running="",
    stale="",
)
BEGUN = dataclasses.replace(
    MEMBER,
    name="b0@x",
    folds_done=0,
    fold_log_losses=(),
    seconds_per_epoch=None,
    speed=None,
    **dict.fromkeys(("log_loss", "log_loss_spread", "accuracy", "metric", "score", "standard_error")),
)
