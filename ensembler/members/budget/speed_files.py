"""Speeds as they are kept from one run to the next: a file for each network, way of training and machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import BadData
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from ...serialization import compute_fingerprint, read_json, write_json
from .costs import Speeds

# What the speed of a training depends on, beside its phases and the machine.
_SETTINGS_NAMES = (
    "backbone",
    "builder",
    "preprocessing",
    "image_size",
    "batch_size",
    "pooling",
    "hidden",
    "head",
    "augmentation",
    "ema",
    "precision",
)


def build_machine_key(gpus: Sequence[str], slots: int, *, data_parallel: bool) -> list[Any]:
    """Tell this machine and how jobs share it."""
    return [platform.node(), platform.machine(), os.cpu_count(), list(gpus), slots, data_parallel]


def build_speed_path(folder: CompetitionFolder, settings: MemberSettings, machine: Sequence[Any]) -> Path:
    """Name the file of a member's speeds, whether or not it is there."""
    phases = [[phase.unfreeze, phase.batch_norm] for phase in settings.phases]
    key = [*(getattr(settings, part) for part in _SETTINGS_NAMES), phases, *machine]
    return folder.speeds / f"{settings.backbone}-{settings.image_size}-{compute_fingerprint(key)}.json"


def load_speeds(path: Path) -> Speeds | None:
    """Read speeds; None if they are not there or damaged, since they can be measured again."""
    if not path.is_file():
        return None
    try:
        return Speeds.from_json(read_json(path))
    except (BadData, TypeError, KeyError, AttributeError):
        return None


def save_speeds(path: Path, speeds: Speeds) -> None:
    """Write speeds."""
    write_json(path, speeds.to_json())
