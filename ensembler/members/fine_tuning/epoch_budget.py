"""How many updates a phase gets: those of all its epochs, or what a time budget leaves for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil

from ...options.phases import Phase
from ..allotment import Allotment, Stretch, share_within

# A rest of an epoch that is smaller is not worth the look at the held-out photos that follows it.
_LEAST_PART = 0.25
# How far the time of an epoch is believed for other epochs, which may be so short that little was known of them;
# and for start-up, features and predictions, which were measured apart.
_MOST_TIMES, _MOST_TIMES_FIXED = 100.0, 1.5


class Pace:
    """Counts updates, and decides before each epoch how many the phase still gets.

    Without an allotment each phase has its epochs. With one, all networks that are still to be trained get the same
    share of the epochs that were asked for, as many as fit into the time that is left; the measured time of each epoch
    corrects what was thought. The last epoch of a phase may be a part of one.

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
    now
        Updates of the current epoch.
    end
        Updates after which the current phase ends.
    made
        Updates that the current epoch has come to, those of earlier processes among them.
    over
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
        self.now = self.made = steps
        self.end = phases[0].epochs * steps if phases else 0
        self.over = False
        # The phase and the updates that the current epoch began with, when that was, and the phase that is compiled.
        self._number, self._begun, self._began = 0, 0, clock()
        self._compiled = -1

    def begin(self, number: int, done: int, begun: int = 0) -> bool:
        """Decide how many updates the next epoch of a phase gets; whether there is such an epoch at all.

        Parameters
        ----------
        number
            Of the phase.
        done
            Updates of the phase before the epoch.
        begun
            Updates of the epoch itself that an earlier process did.
        """
        self.end = self._end(number, done + begun)
        if self.over or self.end <= done:
            return False
        self.now = self.made = min(self._steps, self.end - done)
        self._number, self._begun, self._began = number, begun, self._clock()
        return True

    def ended(self) -> None:
        """Learn from the epoch that is over, and from all that followed on it, such as a look at held-out photos."""
        if self._allotment is not None:
            self._learn(self._allotment.phases[self._number], self._clock() - self._began)
        self._compiled = self._number

    def epochs(self, done: int) -> int:
        """Count the epochs that the current phase still gets after ``done`` updates; a part of one is one."""
        return ceil((self.end - done) / self._steps)

    def epochs_left(self, number: int, done: int, begun: int = 0) -> int:
        """Count the epochs of a phase and of all after it, as far as can be told; see :meth:`begin`."""
        ends = [self._end(number, done + begun) - done, *self._later(number)]
        return sum(ceil(updates / self._steps) for updates in ends)

    def updates(self, number: int = 0, done: int = 0) -> int:
        """Count those of a phase and all after it, as far as can be told after ``done`` updates of the phase."""
        return self._end(number, done) + sum(self._later(number))

    def _later(self, number: int) -> list[int]:
        """Count updates of the phases after this one."""
        return [self._end(phase, 0) for phase in range(number + 1, len(self._phases))]

    def is_late(self) -> bool:
        """Whether training has to stop at once, for want of time to predict and to do what comes after."""
        if self._allotment is None:
            return False
        return self._clock() > self._allotment.deadline + self._allotment.grace - self._fixed(self._allotment)

    def _fixed(self, told: Allotment) -> float:
        """Seconds of what is still to do beside epochs: longer on a machine that became slower, never shorter."""
        return min(_MOST_TIMES_FIXED, max(1.0, self._slowness)) * (told.finish + told.after_fixed)

    def stop(self, made: int) -> None:
        """End the current epoch after ``made`` updates, and the training with it."""
        self.made = made
        self.over = True

    def _end(self, number: int, done: int) -> int:
        """Tell after how many updates the phase ends, of which ``done`` are behind it."""
        asked = self._phases[number].epochs * self._steps
        if self._allotment is None:
            return asked
        told = self._allotment
        current = replace(told.phases[number], done=done / self._steps)
        stretches = [current, *told.phases[number + 1 :], *told.after]
        left = (told.deadline - self._clock() - self._fixed(told)) / self._slowness
        end = min(asked, round(current.epochs(share_within(left, stretches)) * self._steps))
        whole, part = divmod(end, self._steps)
        end = end if part >= _LEAST_PART * self._steps else whole * self._steps
        too_small = self._steps <= done and end < asked and end - done < _LEAST_PART * self._steps
        return done if too_small else max(done, end)

    def _learn(self, thought: Stretch, seconds: float) -> None:
        """Compare what an epoch took with what was thought."""
        made = self.made - self._begun
        expected = made / self._steps * thought.seconds + (0.0 if self._compiled == self._number else thought.first)
        if expected > 0 and made > 0:
            self._slowness = min(_MOST_TIMES, max(1 / _MOST_TIMES, seconds / expected))
