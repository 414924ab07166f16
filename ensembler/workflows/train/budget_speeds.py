"""How fast members are here: read where it was measured before, else measured in jobs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ...backbones.registry import BACKBONES
from ...engines.job import Job
from ...engines.local import run_jobs
from ...members.budget.costs import Speeds
from ...members.budget.sizes import Settled
from ...members.budget.speed_files import load_speeds, machine_key, save_speeds, speed_file
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from ...progress import Progress

# Networks that are measured in one process, one after the other: larger ones want the memory for themselves.
_SMALL = 10_000_000


@dataclass(frozen=True)
class Place:
    """Where jobs run.

    Attributes
    ----------
    folder
        The competition's.
    slots
        Jobs at a time.
    gpus
        One for each slot, if there are any.
    data_parallel
        Whether all GPUs work on each network.
    """

    folder: CompetitionFolder
    slots: int
    gpus: Sequence[str]
    data_parallel: bool


class MemberSpeeds:
    """Speeds of the members of one call.

    Parameters
    ----------
    names
        Of the members.
    ways
        Of each, ways to train it.

    Attributes
    ----------
    seconds
        That measuring took, which the next call does not need.
    """

    def __init__(
        self, place: Place, names: Sequence[str], ways: Sequence[Sequence[Settled]], progress: Progress
    ) -> None:
        self._place = place
        self._names = names
        self._progress = progress
        self._machine = machine_key(place.gpus, place.slots, data_parallel=place.data_parallel)
        self.seconds = 0.0
        self._known = [self._cached(each) for each in ways]

    def _cached(self, ways: Sequence[Settled]) -> list[tuple[MemberSettings, Speeds]]:
        found = [(settings, load_speeds(self._file(settings))) for settings, _ in ways]
        return [(settings, speeds) for settings, speeds in found if speeds is not None]

    def has(self, member: int, settings: MemberSettings) -> bool:
        """Whether they were measured, not estimated."""
        return any(_tells(known, settings) for known, _ in self._known[member])

    def of(self, member: int, settings: MemberSettings) -> Speeds:
        """Return a member's speeds, estimated from those at another size where they were not measured."""
        exact = [speeds for known, speeds in self._known[member] if _tells(known, settings)]
        if exact:
            return exact[0]
        useful = [each for each in self._known[member] if settings.frozen or each[0].phases == settings.phases]
        known, speeds = useful[0]
        return speeds.at_size(known.image_size, settings.image_size)

    def measure(self, settled: Sequence[tuple[int, Settled]]) -> None:
        """Measure members, each in one of its ways; several that are as fast as each other once."""
        alike: dict[Path, list[tuple[int, Settled]]] = {}
        for each in settled:
            alike.setdefault(self._file(each[1][0]), []).append(each)
        for group in _processes([first for first, *_ in alike.values()]):
            for (_, (settings, _)), speeds in zip(group, self._measured(group), strict=True):
                path = self._file(settings)
                save_speeds(path, speeds)
                for member, (own, _) in alike[path]:
                    self._known[member].append((own, speeds))

    def _file(self, settings: MemberSettings) -> Path:
        return speed_file(self._place.folder, settings, self._machine)

    def _measured(self, group: Sequence[tuple[int, Settled]]) -> list[Speeds]:
        """Measure members in one process."""
        place = self._place
        members = [
            {"settings": asdict(settings), "weights": source, "data_parallel": place.data_parallel}
            for _, (settings, source) in group
        ]
        name = "speeds-" + "-".join(self._names[member] for member, _ in group)
        told = {"competition": str(place.folder.root), "members": members}
        job = Job(name[:100], "ensembler.members.budget.jobs.measure_speeds:measure_speeds", told)
        began = time.monotonic()
        (result,) = run_jobs([job], place.folder.logs, self._progress, parallel=place.slots, gpus=place.gpus)
        took = time.monotonic() - began
        self.seconds += took
        start_up = max(0.0, took - result["seconds"])
        return [replace(Speeds.from_json(measured), start_up=start_up) for measured in result["speeds"]]


def _tells(known: MemberSettings, settings: MemberSettings) -> bool:
    """Whether speeds of one way to train are those of another."""
    return known.image_size == settings.image_size and (settings.frozen or known.phases == settings.phases)


def _processes(settled: Sequence[tuple[int, Settled]]) -> list[list[tuple[int, Settled]]]:
    """Share members out over processes: small ones together, a large or unknown one alone."""
    small: list[tuple[int, Settled]] = []
    alone = []
    for each in settled:
        backbone = BACKBONES.get(each[1][0].backbone)
        if backbone and (backbone.tiny or 0 < backbone.parameters < _SMALL):
            small.append(each)
        else:
            alone.append([each])
    return [*([small] if small else []), *alone]
