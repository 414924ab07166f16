"""How large and how fast a backbone is on this machine, as a survey's job measured it once."""

from __future__ import annotations

import socket
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ..errors import BadData
from ..paths import CompetitionFolder
from ..serialization import read_json, write_json
from .candidates import Candidate

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Measures:
    """One backbone on one machine; decoding of photos does not count.

    Attributes
    ----------
    parameters
        Numbers in its weights, without top.
    width
        Of its features.
    milliseconds
        Mean of ``single`` predictions of one photo each.
    photos_per_second
        In batches of ``batch_size``, over the photos of the survey.
    peak_bytes
        Most memory that building and running it took, beyond what the process held before; None where the system does
        not tell.
    single
        How many single predictions were measured: 100, or fewer of a slow network.
    device, threads, host
        What predicted, with how many processors, where.
    """

    parameters: int
    width: int
    milliseconds: float
    photos_per_second: float
    peak_bytes: int | None
    single: int
    batch_size: int
    device: str
    threads: int
    host: str

    @property
    def megabytes(self) -> float:
        """Of its weights in float32."""
        return FLOAT_BYTES * self.parameters / 1e6


def save_measures(folder: CompetitionFolder, candidate: Candidate, measures: Measures) -> None:
    """Keep what was measured."""
    write_json(_build_path(folder, candidate), asdict(measures))


def load_measures(folder: CompetitionFolder, candidate: Candidate) -> Measures | None:
    """Read what was measured on this machine; None if nothing was."""
    try:
        data = read_json(_build_path(folder, candidate))
        measures = Measures(**{field.name: data[field.name] for field in fields(Measures)})
    except (BadData, KeyError, TypeError):
        return None
    return measures if measures.host == socket.gethostname() else None


def _build_path(folder: CompetitionFolder, candidate: Candidate) -> Path:
    return folder.survey / f"{candidate.name}-{candidate.image_size}-{candidate.key}.json"
