"""One network through the epochs of its phases; a step that fails is mended and its epoch done again."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ....errors import Interrupted
from ....events import EpochBegan, EpochEnded
from ....process_memory import resident_bytes
from ....progress import Progress, Task
from ..checkpoints import NOWHERE, Checkpoints, TrainingState
from ..epoch_budget import Pace
from ..fold_task import Lesson
from ..history import history_row, place_of
from .callbacks import BetweenSteps, Steps, StopAtNaN, StopInTime
from .devices import Devices, gpu_memory
from .learner import Learner
from .recovery import Recovery


class Training:
    """Trains one network; :meth:`run` does it all.

    Parameters
    ----------
    checkpoints
        Keep where the training is. If there is one already, the training goes on from there, and ends as if it had
        never been cut off.

    Attributes
    ----------
    state
        How far the training is, with a row of history for each epoch.
    learner
        The network that learns; in the end it has the best weights or the mean ones, as the settings say.
    pace
        How many updates each phase gets.
    """

    def __init__(
        self, lesson: Lesson, devices: Devices, progress: Progress, checkpoints: Checkpoints = NOWHERE
    ) -> None:
        self.lesson = lesson
        self.devices = devices
        self.progress = progress
        self._checkpoints = checkpoints
        self.state = TrainingState()
        self._counted = self._epoch_began = time.monotonic()
        self._unsaved = False
        self.learner = self._go_on() or Learner(lesson, devices)
        self.pace = Pace(lesson.settings.phases, self.learner.steps, lesson.allotment)

    @property
    def model(self) -> Any:
        """The network that learns."""
        return self.learner.model

    @property
    def history(self) -> list[dict[str, Any]]:
        """A row for each epoch."""
        return self.state.history

    def _go_on(self) -> Learner | None:
        """Return the network as a checkpoint has it, if there is one."""
        if (state := self._checkpoints.load(self.progress)) is None or state.begin is None:
            return None
        learner = Learner(self.lesson, self.devices, parts=state.parts, careful=state.careful)
        try:
            learner.compile(state.phase)
            learner.return_to(state.now or state.begin)
        except (ValueError, KeyError, IndexError) as error:
            self._checkpoints.refuse(self.progress, error)
            return None
        self.state = state
        return learner

    def run(self) -> Any:
        """Go through all phases; return the trained network, in float32 and on one device.

        Raises
        ------
        Interrupted
            If the work was asked to end; a checkpoint has been written then.
        """
        state, task = self.state, self._start()
        try:
            for number in range(state.phase, len(self.lesson.settings.phases)):
                self._phase(number, task)
                if self.pace.over:
                    break
        except Interrupted:
            self._save()
            raise Interrupted(self._place()) from None
        if self._unsaved:
            self._save()
        task.finish()
        return self.learner.finished()

    def _start(self) -> Task:
        """Begin to tell how far it is, from where it is."""
        state = self.state
        behind = state.earlier + state.done + state.step
        total = state.earlier + self.pace.updates(state.phase, state.done + state.step)
        task = self.progress.start_photos(
            f"{self.lesson.name}: fine-tune",
            total,
            photos=len(self.lesson.targets) / self.learner.steps,
            work=self.lesson.work / max(1, total),
        )
        task.advance(behind)
        return task

    def _place(self) -> str:
        state = self.state
        left = self.pace.epochs_left(state.phase, state.done, state.step)
        epochs = len(self.history) + left
        return f"in epoch {min(len(self.history) + 1, epochs)} of {epochs} of {self.lesson.name}"

    def begin(self, number: int) -> None:
        """Get a phase ready."""
        self.learner.compile(number)
        self.state.start_phase(number)
        self.state.begin = self.learner.moment()

    def try_out(self, number: int, updates: int, task: Task) -> float:
        """Do some updates of a phase that is ready as an epoch does them, and save; return the seconds that it took."""
        began = time.monotonic()
        self.pace.now = updates
        self._recovered(number, task)
        self.state.start_epoch()
        self.state.begin = self.learner.moment()
        self._save()
        return time.monotonic() - began

    def _phase(self, number: int, task: Task) -> None:
        state, learner = self.state, self.learner
        if state.begin is None or state.phase != number:
            self.begin(number)
        while self._begins_epoch(number):
            self._end_epoch(self._epoch(number, task))
            self.pace.ended()
        learner.model.set_weights(state.best_weights if state.best_weights is not None else learner.mean_weights())

    def _begins_epoch(self, number: int) -> bool:
        """Get an epoch ready, unless the phase has had all that it gets, or lost patience."""
        patience, state = self.lesson.settings.patience, self.state
        if 0 < patience <= state.behind or not self.pace.begin(number, state.done, state.step):
            return False
        self.learner.optimizer.end_at(self.pace.end)
        return True

    def _end_epoch(self, row: dict[str, Any]) -> None:
        """Write down an epoch, and what patience makes of it."""
        state, patience = self.state, self.lesson.settings.patience
        state.history.append(row)
        state.epoch += 1
        state.done += self.pace.made
        if patience and row["watched_log_loss"] < state.best:
            state.best, state.behind, state.best_weights = row["watched_log_loss"], 0, self.learner.mean_weights()
        elif patience:
            state.behind += 1
            if state.behind == patience:
                self.progress.note(
                    f"{self.lesson.name}: no better for {patience} epochs, so phase {state.phase + 1} ends."
                )
        state.start_epoch()
        state.begin = self.learner.moment()
        self._unsaved = True
        if self._checkpoints.is_due(between_epochs=True):
            self._save()

    def _save(self) -> None:
        """Write a checkpoint, between two steps."""
        state, learner, now = self.state, self.learner, time.monotonic()
        state.seconds, self._counted = state.seconds + now - self._counted, now
        state.parts, state.careful = learner.parts, learner.careful
        if state.step:
            state.epoch_seconds, state.now = now - self._epoch_began, learner.moment()
        self._checkpoints.save(state)
        state.now = None
        self._unsaved = False

    def _epoch(self, number: int, task: Task) -> dict[str, Any]:
        self.progress.go_on(self._place())
        state, pace = self.state, self.pace
        epochs = state.epoch + pace.epochs(state.done)
        place = place_of(self.lesson, number, epoch=state.epoch + 1, epochs=epochs, overall=len(self.history) + 1)
        self.progress.tell(EpochBegan(**place))
        self._epoch_began = time.monotonic() - self.state.epoch_seconds
        loss = self._recovered(number, task)
        seconds = time.monotonic() - self._epoch_began
        share = pace.made / self.learner.steps
        judged = self.learner.judged()
        told = EpochEnded(
            **place,
            training_loss=loss,
            held_out_log_loss=judged.get("held_out"),
            watched_log_loss=judged.get("watched"),
            learning_rate=float(self.learner.optimizer.learning_rate),
            photos_a_second=share * len(self.lesson.targets) / max(seconds, 1e-9),
            seconds=round(seconds, 3),
            memory=resident_bytes(),
            gpu_memory=gpu_memory(),
        )
        self.progress.tell(told)
        return history_row(told, self.learner.settings, self.learner.parts, share)

    def _recovered(self, number: int, task: Task) -> float:
        """Do one epoch, again and otherwise if it fails; return its mean loss."""
        recovery = Recovery(self.lesson.name, self.learner, self.devices, self.progress)
        return recovery.run(lambda: self._fit(task), self._rewind, number, epoch=len(self.history) + 1)

    def _rewind(self) -> None:
        """Go back to where the epoch began."""
        if (begin := self.state.begin) is None:
            raise RuntimeError("An epoch was begun without knowing where.")
        self.learner.return_to(begin)
        self.state.start_epoch()
        self.state.begin = begin
        self.learner.optimizer.end_at(self.pace.end)

    def _fit(self, task: Task) -> float:
        """Do the steps that are left of an epoch; return its mean loss."""
        settings, state, pace, parts = self.learner.settings, self.state, self.pace, self.learner.parts
        first, before, left = state.step, state.loss_sum, pace.now - state.step
        pace.made = pace.now

        def between(done: int, loss_sum: Callable[[], float]) -> None:
            state.step = first + done
            if self.progress.stopping or self._checkpoints.is_due(between_epochs=False):
                state.loss_sum = before + loss_sum()
                self.progress.go_on(self._place())
                self._save()

        if left:
            batches = partial(
                self.lesson.photos.epoch,
                len(self.history),
                batch_size=settings.batch_size,
                seed=self.lesson.seed,
                augmentation=settings.augmentation,
                parts=parts,
                first=first,
            )
            with self.devices.scope():
                fitted = self.model.fit(
                    self.devices.feed(batches),
                    steps_per_epoch=left * parts,
                    epochs=1,
                    verbose=0,
                    callbacks=[
                        Steps(task, parts),
                        BetweenSteps(between, parts, left),
                        StopAtNaN(),
                        StopInTime(pace, parts, first),
                    ],
                    shuffle=False,
                )
            state.loss_sum = before + float(fitted.history["loss"][0]) * (pace.made - first)
            state.step = pace.made
        # Keras counts the rows of weight 0 that fill the last batch; they have no loss.
        return state.loss_sum * settings.batch_size / min(pace.made * settings.batch_size, len(self.lesson.targets))
