"""How many updates a phase gets: those of all its epochs, or what a time budget leaves for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil

from ...options.phases import Phase
from ..allotment import Allotment, PhaseEpochs, find_share_within

# A rest of an epoch that is smaller is not worth the look at the held-out photos that follows it.
_MIN_EPOCH_PART = 0.25
# How far the time of an epoch is believed for other epochs, which may be so short that little was known of them;
# and for predictions, which were measured apart.
_MAX_SLOWNESS, _MAX_FIXED_SLOWNESS = 100.0, 1.5


class EpochBudget:
    """Counts updates, and decides before each epoch how many the phase still gets.

    Without an allotment each phase has its epochs. With one, all phases get the same share of the epochs that were
    asked for, as many as fit into the time that is left; the measured time of each epoch corrects the estimate. The
    last epoch of a phase may be a part of one.

    Parameters
    ----------
    phases
        Of the training.
    steps
        Updates in a whole epoch.
    clock
        Gives seconds since 1970.

    Attributes
    ----------
    epoch_updates
        Updates of the current epoch.
    phase_end
        Updates after which the current phase ends.
    updates_made
        Updates that the current epoch has come to, those of earlier processes among them.
    is_out_of_time
        Whether the time was over within an epoch.
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
        # Seconds that epochs take for each second that was thought.
        self._slowness = 1.0
        self.epoch_updates = self.updates_made = steps
        self.phase_end = phases[0].epochs * steps if phases else 0
        self.is_out_of_time = False
        # The phase and the updates that the current epoch began with, when that was, and the phase that is compiled.
        self._phase_number, self._resumed_updates, self._started_at = 0, 0, clock()
        self._compiled_phase = -1

    def begin_epoch(self, number: int, done: int, resumed_updates: int = 0) -> bool:
        """Decide how many updates the next epoch of a phase gets; whether there is such an epoch at all.

        Parameters
        ----------
        number
            Of the phase.
        done
            Updates of the phase before the epoch.
        resumed_updates
            Updates of the epoch itself that an earlier process did.
        """
        self.phase_end = self._find_phase_end(number, done + resumed_updates)
        if self.is_out_of_time or self.phase_end <= done:
            return False
        self.epoch_updates = self.updates_made = min(self._steps, self.phase_end - done)
        self._phase_number, self._resumed_updates, self._started_at = number, resumed_updates, self._clock()
        return True

    def end_epoch(self) -> None:
        """Learn from the epoch that is over, and from all that followed on it, such as a look at held-out photos."""
        if self._allotment is not None:
            self._update_slowness(self._allotment.phases[self._phase_number], self._clock() - self._started_at)
        self._compiled_phase = self._phase_number

    def count_phase_epochs(self, done: int) -> int:
        """Count the epochs that the current phase still gets after ``done`` updates; a part of one is one."""
        return ceil((self.phase_end - done) / self._steps)

    def count_epochs_left(self, number: int, done: int, resumed_updates: int = 0) -> int:
        """Count the epochs of a phase and of all after it, as far as can be told; see :meth:`begin_epoch`."""
        ends = [self._find_phase_end(number, done + resumed_updates) - done, *self._count_later_updates(number)]
        return sum(ceil(updates / self._steps) for updates in ends)

    def count_updates(self, number: int = 0, done: int = 0) -> int:
        """Count those of a phase and all after it, as far as can be told after ``done`` updates of the phase."""
        return self._find_phase_end(number, done) + sum(self._count_later_updates(number))

    def _count_later_updates(self, number: int) -> list[int]:
        """Count updates of the phases after this one."""
        return [self._find_phase_end(phase, 0) for phase in range(number + 1, len(self._phases))]

    def is_late(self) -> bool:
        """Whether training has to stop at once, for want of time to predict."""
        if self._allotment is None:
            return False
        return self._clock() > self._allotment.until + self._allotment.grace - self._estimate_fixed_seconds(
            self._allotment
        )

    def _estimate_fixed_seconds(self, allotment: Allotment) -> float:
        """Seconds of what is still to do beside epochs: longer on a machine that became slower, never shorter."""
        return min(_MAX_FIXED_SLOWNESS, max(1.0, self._slowness)) * allotment.finish

    def stop(self, made: int) -> None:
        """End the current epoch after ``made`` updates, and the training with it."""
        self.updates_made = made
        self.is_out_of_time = True

    def _find_phase_end(self, number: int, done: int) -> int:
        """Tell after how many updates the phase ends, of which ``done`` are behind it."""
        requested = self._phases[number].epochs * self._steps
        if self._allotment is None:
            return requested
        allotment = self._allotment
        current = replace(allotment.phases[number], done=done / self._steps)
        phases = [current, *allotment.phases[number + 1 :]]
        left = (allotment.until - self._clock() - self._estimate_fixed_seconds(allotment)) / self._slowness
        end = min(requested, round(current.count_epochs(find_share_within(left, phases)) * self._steps))
        whole, part = divmod(end, self._steps)
        end = end if part >= _MIN_EPOCH_PART * self._steps else whole * self._steps
        too_small = self._steps <= done and end < requested and end - done < _MIN_EPOCH_PART * self._steps
        return done if too_small else max(done, end)

    def _update_slowness(self, planned: PhaseEpochs, seconds: float) -> None:
        """Compare what an epoch took with what was thought."""
        made = self.updates_made - self._resumed_updates
        expected = made / self._steps * planned.seconds + (
            0.0 if self._compiled_phase == self._phase_number else planned.compile_seconds
        )
        if expected > 0 and made > 0:
            self._slowness = min(_MAX_SLOWNESS, max(1 / _MAX_SLOWNESS, seconds / expected))
