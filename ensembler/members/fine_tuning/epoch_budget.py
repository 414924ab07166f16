"""The number of updates of each phase: all of its epochs, or what a time budget leaves for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ...options.phases import Phase
from ..allotment import Allotment, find_share_within

# A smaller part of an epoch is not worth the evaluation that follows it.
_MIN_EPOCH_PART = 0.25
# Limits of the slowness that one epoch, which may have been too short to measure, implies for other epochs, and for
# predictions, which were measured separately.
_MAX_SLOWNESS, _MAX_FIXED_SLOWNESS = 100.0, 1.5


class EpochBudget:
    """Decide before each epoch how many updates it has.

    Without an allotment, each phase has its requested epochs. With one, all phases get the same share of the requested
    epochs, as large as the remaining time allows. The measured time of each epoch corrects the estimate. The last epoch
    of a phase may be a part of one.

    Parameters
    ----------
    phases
        Phases of the training.
    steps
        Updates in a whole epoch.
    clock
        Function that returns seconds since 1970.

    Attributes
    ----------
    epoch_updates
        Updates of the current epoch.
    phase_end
        Number of updates after which the current phase ends.
    updates_made
        Updates of the current epoch at its end, including those of earlier processes.
    is_out_of_time
        Whether the time ran out within an epoch.
    """

    def __init__(
        self,
        phases: Sequence[Phase],
        steps: int,
        allotment: Allotment | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._phases = phases
        self._steps = steps
        self._allotment = allotment
        self._clock = clock
        # Ratio of the measured to the estimated seconds of the last epoch.
        self._slowness = 1.0
        self.epoch_updates = self.updates_made = steps
        self.phase_end = phases[0].epochs * steps if phases else 0
        self.is_out_of_time = False
        # Phase and first update of the current epoch, its start, and the last phase that was compiled.
        self._phase_number, self._resumed_updates, self._started_at = 0, 0, clock()
        self._compiled_phase = -1

    def begin_epoch(self, number: int, done: int, resumed_updates: int = 0) -> bool:
        """Set the updates of the next epoch of a phase. Return False if there is no further epoch.

        Parameters
        ----------
        number
            Number of the phase.
        done
            Updates of the phase before the epoch.
        resumed_updates
            Updates of the epoch itself that an earlier process made.
        """
        self.phase_end = self._find_phase_ends(number, done + resumed_updates)[0]
        if self.is_out_of_time or self.phase_end <= done:
            return False
        self.epoch_updates = self.updates_made = min(self._steps, self.phase_end - done)
        self._phase_number, self._resumed_updates, self._started_at = number, resumed_updates, self._clock()
        return True

    def end_epoch(self) -> None:
        """Correct the estimates by the time of the finished epoch, including its evaluation."""
        made = self.updates_made - self._resumed_updates
        if self._allotment is not None and made > 0:
            planned = self._allotment.phases[self._phase_number]
            expected = made / self._steps * planned.seconds
            if self._compiled_phase != self._phase_number:
                expected += planned.compile_seconds
            if expected > 0:
                slowness = (self._clock() - self._started_at) / expected
                self._slowness = min(_MAX_SLOWNESS, max(1 / _MAX_SLOWNESS, slowness))
        self._compiled_phase = self._phase_number

    def list_updates_left(self, number: int, done: int) -> list[int]:
        """Return the planned updates of a phase after ``done`` ones, and those of each later phase."""
        current, *later = self._find_phase_ends(number, done)
        return [current - done, *later]

    def is_late(self) -> bool:
        """Return whether training must stop at once, so that time remains for predictions."""
        return self._allotment is not None and self._count_seconds_left(self._allotment) < -self._allotment.grace

    def stop(self, made: int) -> None:
        """End the current epoch after ``made`` updates, and the training with it."""
        self.updates_made = made
        self.is_out_of_time = True

    def _count_seconds_left(self, allotment: Allotment) -> float:
        """Return the seconds left for epochs. Other work may be slower than planned, and never counts as faster."""
        finish = min(_MAX_FIXED_SLOWNESS, max(1.0, self._slowness)) * allotment.finish
        return allotment.until - self._clock() - finish

    def _find_phase_ends(self, number: int, done: int) -> list[int]:
        """Return the updates after which a phase, of which ``done`` are made, and each later phase end."""
        requested = [phase.epochs * self._steps for phase in self._phases[number:]]
        if self._allotment is None:
            return requested
        current, *later = self._allotment.phases[number:]
        phases = [replace(current, done=done / self._steps), *later]
        share = find_share_within(self._count_seconds_left(self._allotment) / self._slowness, phases)
        ends, min_part = [], _MIN_EPOCH_PART * self._steps
        for phase, limit, made in zip(phases, requested, [done] + [0] * len(later), strict=True):
            end = min(limit, round(phase.count_epochs(share) * self._steps))
            if end % self._steps < min_part:
                end -= end % self._steps
            is_too_small = self._steps <= made and end < limit and end - made < min_part
            ends.append(made if is_too_small else max(made, end))
        return ends
