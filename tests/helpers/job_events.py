"""A manual clock and events of jobs, for tests of the display."""

from __future__ import annotations

from ensembler.events import EpochBegan, EpochEnded, JobsPlanned, PlannedJob


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def planned(*jobs: tuple[str, str, int, float], parallel: int = 1) -> JobsPlanned:
    return JobsPlanned(tuple(PlannedJob(name, member, (fold,), work) for name, member, fold, work in jobs), parallel)


def began(epoch: int = 1, epochs: int = 5, phases: int = 1, member: str = "b0", fold: int = 2) -> EpochBegan:
    return EpochBegan(member, fold, "from:block5", 1, phases, epoch, epochs, epoch)


def ended(
    epoch: int = 1,
    epochs: int = 5,
    phases: int = 1,
    member: str = "b0",
    fold: int = 2,
    validation: float | None = None,
    gpu: int | None = None,
) -> EpochEnded:
    return EpochEnded(
        member, fold, "from:block5", 1, phases, epoch, epochs, epoch, 0.25, 0.213, validation, 1e-4, 118.4, 9.0, 1, gpu
    )
