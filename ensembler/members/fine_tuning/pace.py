"""How many updates a phase gets: those of all its epochs, or what a time budget leaves for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ..budget.allotment import Allotment
from ..budget.shares import Stretch, share_within
from ..phases import Phase

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
        Updates that the current epoch has come to.
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

    def epochs(self, number: int, done: int = 0) -> Iterator[int]:
        """Go through the epochs of a phase; what follows on each is part of it, such as a look at held-out photos.

        Parameters
        ----------
        number
            Of the phase.
        done
            Updates that an earlier process did.

        Yields
        ------
        int
            Number of the epoch, from 0.
        """
        compiled = False
        self.end = self._end(number, done)
        while done < self.end and not self.over:
            self.now = self.made = min(self._steps, self.end - done)
            began = self._clock()
            yield done // self._steps
            done += self.made
            self._learn(number, self._clock() - began, compiled=compiled)
            compiled = True
            self.end = self._end(number, done)

    def updates(self) -> int:
        """Count those of all phases, as far as can be told before the first."""
        return sum(self._end(number, 0) for number in range(len(self._phases)))

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
        return max(done, end if part >= _LEAST_PART * self._steps else whole * self._steps)

    def _learn(self, number: int, seconds: float, *, compiled: bool) -> None:
        """Compare what an epoch took with what was thought."""
        if self._allotment is None:
            return
        thought = _thought(self._allotment.phases[number], self.made / self._steps, compiled=compiled)
        if thought > 0 and self.made:
            self._slowness = min(_MOST_TIMES, max(1 / _MOST_TIMES, seconds / thought))


def _thought(phase: Stretch, epochs: float, *, compiled: bool) -> float:
    return epochs * phase.seconds + (0.0 if compiled else phase.first)
