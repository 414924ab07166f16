"""What a person asks of a time budget: how long, which members in which ways, and which folds it may choose from."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...competition.folds.file import DEFAULT_FOLDS, build_folds, load_or_make_folds
from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...errors import spell
from ...members.budget.sizes import SettingsAndWeights
from ...options.durations import read_duration
from ...options.kinds import read_value
from ...paths import CompetitionFolder

# Folds that a budget chooses from where there are none yet and nobody said how many; 1 is one held-out fifth.
FOLD_COUNTS = (DEFAULT_FOLDS, 3, 2, 1)
# Kept free for what the parent process does at the end, and for what cannot be foreseen: seconds, share of the budget.
RESERVE_SECONDS, RESERVE_SHARE = 2.0, 0.03


@dataclass(frozen=True)
class Budget:
    """How long the whole call may take.

    Attributes
    ----------
    seconds
        Of the whole call.
    began
        When the call began, in seconds since 1970.
    clock
        Gives seconds since 1970.
    """

    seconds: float
    began: float
    clock: Callable[[], float] = time.time

    @property
    def reserve(self) -> float:
        """Seconds that are not given to jobs."""
        return RESERVE_SHARE * self.seconds + min(RESERVE_SECONDS, RESERVE_SHARE * self.seconds)

    @property
    def deadline(self) -> float:
        """When the last job should have ended."""
        return self.began + self.seconds - self.reserve

    @property
    def spent(self) -> float:
        """Seconds since the call began."""
        return self.clock() - self.began


def read_budget(value: object) -> Budget | None:
    """Begin to count the time of a call; None for no budget.

    Raises
    ------
    BadChoice
        If ``value`` is no length of time.
    """
    return None if value is None else Budget(read_value(spell("time_budget"), read_duration, value), time.time())


@dataclass(frozen=True)
class TrainingRequest:
    """What is asked for within a budget.

    Attributes
    ----------
    names
        Of the members.
    ways
        Of each, ways to train it: as it was asked for, then ever smaller.
    tiny
        Of each, whether its folds share a process.
    folds
        Folds to choose from, as asked for first; see :func:`list_possible_folds`.
    restart
        Whether what is there does not count.
    """

    names: Sequence[str]
    ways: Sequence[Sequence[SettingsAndWeights]]
    tiny: Sequence[bool]
    folds: Sequence[Folds]
    restart: bool


def list_possible_folds(
    folder: CompetitionFolder, tables: Tables, folds: int | None, repeats: int | None, seed: int
) -> list[Folds]:
    """List the folds that a budget may choose from; those that are there, or that a person asked for, are kept.

    Parameters
    ----------
    folds, repeats, seed
        As :func:`.load_or_make_folds` takes them.

    Raises
    ------
    BadChoice, BadData, Mismatch
        If they do not fit.
    """
    if folder.folds.is_file():
        return [load_or_make_folds(folder, tables, folds, repeats, seed)]
    counts = FOLD_COUNTS if folds is None else (folds,)
    return [build_folds(tables, count, repeats, seed) for count in counts]
