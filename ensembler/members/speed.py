"""How large and how fast a member's network is, as it was measured where the network was."""

from __future__ import annotations

import socket
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ..errors import BadData
from ..paths import CompetitionFolder
from ..serialization import read_json, write_json


@dataclass(frozen=True)
class Speed:
    """One fold's network, with the views that it predicts by; decoding of photos does not count.

    Attributes
    ----------
    member
        Fingerprint of the member's record.
    parameters
        Numbers in the network's weights.
    milliseconds_per_photo
        Mean of ``single`` predictions of one photo each.
    photos_per_second
        In batches of ``batch_size``.
    single
        How many single predictions were measured: 100, or as many as there was a second for.
    device
        What predicted: a GPU, or the processor.
    threads
        Processors that could be used.
    host
        Name of the machine.
    """

    member: str
    parameters: int
    milliseconds_per_photo: float
    photos_per_second: float
    single: int
    batch_size: int
    device: str
    threads: int
    host: str

    @property
    def is_of_this_machine(self) -> bool:
        """Whether it was measured here."""
        return self.host == socket.gethostname()


def _build_path(folder: CompetitionFolder, member: str) -> Path:
    return folder.member(member) / "speed.json"


def save_speed(folder: CompetitionFolder, member: str, speed: Speed) -> None:
    """Write ``speed.json``."""
    write_json(_build_path(folder, member), asdict(speed))


def load_speed(folder: CompetitionFolder, member: str, fingerprint: str) -> Speed | None:
    """Read ``speed.json``; None if there is none of this very member."""
    try:
        data = read_json(_build_path(folder, member))
        speed = Speed(**{field.name: data[field.name] for field in fields(Speed)})
    except (BadData, KeyError, TypeError):
        return None
    return speed if speed.member == fingerprint else None
