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
from ...members.budget.sizes import SettingsAndWeights
from ...members.budget.speed_files import build_machine_key, build_speed_path, load_speeds, save_speeds
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from ...progress import Progress

# Networks that are measured in one process, one after the other: larger ones want the memory for themselves.
_MAX_SMALL_PARAMETERS = 10_000_000


@dataclass(frozen=True)
class JobEnvironment:
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
        self,
        environment: JobEnvironment,
        names: Sequence[str],
        ways: Sequence[Sequence[SettingsAndWeights]],
        progress: Progress,
    ) -> None:
        self._environment = environment
        self._names = names
        self._progress = progress
        self._machine = build_machine_key(environment.gpus, environment.slots, data_parallel=environment.data_parallel)
        self.seconds = 0.0
        self._known = [self._load_cached(each) for each in ways]

    def _load_cached(self, ways: Sequence[SettingsAndWeights]) -> list[tuple[MemberSettings, Speeds]]:
        loaded = [(settings, load_speeds(self._build_path(settings))) for settings, _ in ways]
        return [(settings, speeds) for settings, speeds in loaded if speeds is not None]

    def has_measured(self, member: int, settings: MemberSettings) -> bool:
        """Whether they were measured, not estimated."""
        return any(_are_comparable(known, settings) for known, _ in self._known[member])

    def find_or_estimate(self, member: int, settings: MemberSettings) -> Speeds:
        """Return a member's speeds, estimated from those at another size where they were not measured."""
        exact = [speeds for known, speeds in self._known[member] if _are_comparable(known, settings)]
        if exact:
            return exact[0]
        useful = [each for each in self._known[member] if settings.frozen or each[0].phases == settings.phases]
        known, speeds = useful[0]
        return speeds.scale_to_size(known.image_size, settings.image_size)

    def measure(self, settled: Sequence[tuple[int, SettingsAndWeights]]) -> None:
        """Measure members, each in one of its ways; several that are as fast as each other once."""
        alike: dict[Path, list[tuple[int, SettingsAndWeights]]] = {}
        for each in settled:
            alike.setdefault(self._build_path(each[1][0]), []).append(each)
        for group in _group_by_process([first for first, *_ in alike.values()]):
            for (_, (settings, _)), speeds in zip(group, self._measure_group(group), strict=True):
                path = self._build_path(settings)
                save_speeds(path, speeds)
                for member, (own, _) in alike[path]:
                    self._known[member].append((own, speeds))

    def _build_path(self, settings: MemberSettings) -> Path:
        return build_speed_path(self._environment.folder, settings, self._machine)

    def _measure_group(self, group: Sequence[tuple[int, SettingsAndWeights]]) -> list[Speeds]:
        """Measure members in one process."""
        environment = self._environment
        members = [
            {"settings": asdict(settings), "weights": source, "data_parallel": environment.data_parallel}
            for _, (settings, source) in group
        ]
        name = "speeds-" + "-".join(self._names[member] for member, _ in group)
        spec = {"competition": str(environment.folder.root), "members": members}
        job = Job(name[:100], "ensembler.members.budget.jobs.measure_speeds:measure_speeds", spec)
        began = time.monotonic()
        (result,) = run_jobs(
            [job], environment.folder.logs, self._progress, parallel=environment.slots, gpus=environment.gpus
        )
        took = time.monotonic() - began
        self.seconds += took
        start_up = max(0.0, took - result["seconds"])
        return [replace(Speeds.from_json(measured), start_up=start_up) for measured in result["speeds"]]


def _are_comparable(known: MemberSettings, settings: MemberSettings) -> bool:
    """Whether speeds of one way to train are those of another."""
    return known.image_size == settings.image_size and (settings.frozen or known.phases == settings.phases)


def _group_by_process(settled: Sequence[tuple[int, SettingsAndWeights]]) -> list[list[tuple[int, SettingsAndWeights]]]:
    """Share members out over processes: small ones together, a large or unknown one alone."""
    small: list[tuple[int, SettingsAndWeights]] = []
    alone = []
    for each in settled:
        backbone = BACKBONES.get(each[1][0].backbone)
        if backbone and (backbone.tiny or 0 < backbone.parameters < _MAX_SMALL_PARAMETERS):
            small.append(each)
        else:
            alone.append([each])
    return [*([small] if small else []), *alone]
