"""The training loop of one network over the epochs of its phases, with checkpoints and recovery from failures."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

from ....backbones.jobs.devices import read_peak_gpu_memory
from ....errors import Interrupted
from ....events import EpochBegan, EpochEnded
from ....process_memory import read_resident_bytes
from ....progress import Progress, Task
from ..checkpoints import NO_CHECKPOINTS, Checkpoints, TrainingSnapshot, TrainingState
from ..epoch_budget import EpochBudget
from ..fold_task import FoldTask
from ..history import describe_epoch, make_history_row
from .callbacks import BetweenSteps, StepProgress, StopAtNaN, StopInTime
from .compiled_networks import CompiledNetworks
from .devices import Devices
from .learner import Learner
from .recovery import Recovery


class Trainer:
    """Train one network by :meth:`run`.

    Parameters
    ----------
    checkpoints
        Storage of the training's state. Training resumes from an existing checkpoint, with the same result as without
        an interruption.

    Attributes
    ----------
    state
        State of the training, including one row of history per epoch.
    learner
        Network under training. After training it holds the best or the averaged weights, depending on the settings.
    budget
        Number of updates of each phase.
    """

    def __init__(
        self,
        fold_task: FoldTask,
        devices: Devices,
        progress: Progress,
        checkpoints: Checkpoints = NO_CHECKPOINTS,
        networks: CompiledNetworks | None = None,
    ) -> None:
        self.fold_task = fold_task
        self.devices = devices
        self.progress = progress
        self._checkpoints = checkpoints
        self._networks = networks or CompiledNetworks()
        self.state = TrainingState()
        self._counted_at = self._epoch_began = time.monotonic()
        self._unsaved = False
        # Processes take a second to start, in which the network is built.
        fold_task.photos.start_loading(fold_task.settings.augmentation)
        self.learner = self._resume() or Learner(fold_task, devices, networks=self._networks)
        self.budget = EpochBudget(fold_task.settings.phases, self.learner.steps, fold_task.allotment)

    @property
    def model(self) -> Any:
        """Network under training."""
        return self.learner.model

    @property
    def history(self) -> list[dict[str, Any]]:
        """One row per finished epoch."""
        return self.state.history

    def _resume(self) -> Learner | None:
        """Return the network of the checkpoint, if there is one."""
        if (state := self._checkpoints.load(self.progress)) is None or state.begin is None:
            return None
        learner = Learner(
            self.fold_task,
            self.devices,
            accumulation_steps=state.accumulation_steps,
            fp32_fallback=state.fp32_fallback,
            networks=self._networks,
        )
        try:
            learner.compile(state.phase)
            learner.restore(state.now or state.begin)
        except (ValueError, KeyError, IndexError) as error:
            self._checkpoints.warn_unusable(self.progress, error)
            return None
        self.state = state
        return learner

    def run(self) -> Any:
        """Train all phases and return the trained network in float32 on one device.

        Raises
        ------
        Interrupted
            If training was asked to stop. A checkpoint was written before.
        """
        state, task = self.state, self._start_task()
        try:
            for number in range(state.phase, len(self.fold_task.settings.phases)):
                self._train_phase(number, task)
                if self.budget.is_out_of_time:
                    break
        except Interrupted:
            self._save()
            raise Interrupted(self._describe_position()) from None
        if self._unsaved:
            self._save()
        task.finish()
        return self.learner.prepare_predictor()

    def _start_task(self) -> Task:
        """Start the progress task at the current position."""
        state = self.state
        updates_done = state.earlier + state.done + state.step
        total = updates_done + sum(self.budget.list_updates_left(state.phase, state.done + state.step))
        task = self.progress.start(
            f"{self.fold_task.name}: fine-tune",
            total,
            photos=len(self.fold_task.photos) / self.learner.steps,
            work=self.fold_task.work / max(1, total),
        )
        task.advance(updates_done)
        return task

    def _describe_position(self) -> str:
        state = self.state
        current, *later = self.budget.list_updates_left(state.phase, state.done + state.step)
        left = [ceil(updates / self.learner.steps) for updates in (current + state.step, *later)]
        epochs = len(self.history) + sum(left)
        return f"in epoch {min(len(self.history) + 1, epochs)} of {epochs} of {self.fold_task.name}"

    def begin_phase(self, number: int) -> None:
        """Prepare a phase."""
        self.learner.compile(number)
        self.state.start_phase(number)
        self.state.begin = self.learner.take_snapshot()

    def try_out(self, number: int, updates: int, task: Task) -> float:
        """Train some updates of a prepared phase like an epoch, save, and return the seconds that this took."""
        began = time.monotonic()
        self.budget.epoch_updates = updates
        self._fit_with_recovery(number, task)
        self.state.start_epoch()
        self.state.begin = self.learner.take_snapshot()
        self._save()
        return time.monotonic() - began

    def _train_phase(self, number: int, task: Task) -> None:
        state, learner = self.state, self.learner
        if state.begin is None or state.phase != number:
            self.begin_phase(number)
        while self._begin_epoch(number):
            self._end_epoch(self._train_epoch(number, task))
            self.budget.end_epoch()
        learner.network.set_weights(
            state.best_weights if state.best_weights is not None else learner.read_mean_weights()
        )

    def _begin_epoch(self, number: int) -> bool:
        """Prepare the next epoch. Return False if the phase is complete or stopped improving."""
        patience, state = self.fold_task.settings.patience, self.state
        if 0 < patience <= state.epochs_without_improvement or not self.budget.begin_epoch(
            number, state.done, state.step
        ):
            return False
        self.learner.optimizer.set_schedule_end(self.budget.phase_end)
        return True

    def _end_epoch(self, row: dict[str, Any]) -> None:
        """Record a finished epoch and update early stopping."""
        state, patience = self.state, self.fold_task.settings.patience
        state.history.append(row)
        state.epoch += 1
        state.done += self.budget.updates_made
        if patience and row["val_log_loss"] < state.best:
            state.best, state.epochs_without_improvement, state.best_weights = (
                row["val_log_loss"],
                0,
                self.learner.read_mean_weights(),
            )
        elif patience:
            state.epochs_without_improvement += 1
            if state.epochs_without_improvement == patience:
                self.progress.note(
                    f"{self.fold_task.name}: no improvement for {patience} epochs, so phase {state.phase + 1} ends."
                )
        state.start_epoch()
        state.begin = self.learner.take_snapshot()
        self._unsaved = True
        if self._checkpoints.is_due(between_epochs=True):
            self._save()

    def _save(self) -> None:
        """Write a checkpoint between two steps."""
        state, learner, now = self.state, self.learner, time.monotonic()
        state.seconds, self._counted_at = state.seconds + now - self._counted_at, now
        state.accumulation_steps, state.fp32_fallback = learner.accumulation_steps, learner.fp32_fallback
        if state.step:
            state.epoch_seconds, state.now = now - self._epoch_began, learner.take_snapshot()
        self._checkpoints.save(state)
        state.now = None
        self._unsaved = False

    def _train_epoch(self, number: int, task: Task) -> dict[str, Any]:
        self.progress.raise_if_stopping(self._describe_position())
        state, budget = self.state, self.budget
        epochs = state.epoch + ceil((budget.phase_end - state.done) / self.learner.steps)
        position = describe_epoch(
            self.fold_task, number, epoch=state.epoch + 1, epochs=epochs, overall=len(self.history) + 1
        )
        self.progress.emit(EpochBegan(**position))
        self._epoch_began = time.monotonic() - self.state.epoch_seconds
        loss = self._fit_with_recovery(number, task)
        seconds = time.monotonic() - self._epoch_began
        share = budget.updates_made / self.learner.steps
        log_losses = self.learner.evaluate()
        event = EpochEnded(
            **position,
            training_loss=loss,
            held_out_log_loss=log_losses.get("held_out"),
            val_log_loss=log_losses.get("validation"),
            learning_rate=float(self.learner.optimizer.learning_rate),
            photos_a_second=share * len(self.fold_task.photos) / max(seconds, 1e-9),
            seconds=round(seconds, 3),
            memory=read_resident_bytes(),
            gpu_memory=read_peak_gpu_memory(),
        )
        self.progress.emit(event)
        return make_history_row(event, self.learner.settings, self.learner.accumulation_steps, share)

    def _fit_with_recovery(self, number: int, task: Task) -> float:
        """Train one epoch, with recovery from failures, and return its mean loss."""
        recovery = Recovery(self.fold_task.name, self.learner, self.devices, self.progress)
        return recovery.run(
            lambda: self._fit(task),
            self._rewind,
            number,
            epoch=len(self.history) + 1,
            restore_weights=lambda: self.learner.restore_weights(self._begin),
        )

    @property
    def _begin(self) -> TrainingSnapshot:
        """Snapshot of the beginning of the epoch."""
        if self.state.begin is None:
            raise RuntimeError("The epoch has no snapshot of its beginning.")
        return self.state.begin

    def _rewind(self) -> None:
        """Restore the beginning of the epoch."""
        begin = self._begin
        self.learner.restore(begin)
        self.state.start_epoch()
        self.state.begin = begin
        self.learner.optimizer.set_schedule_end(self.budget.phase_end)

    def _fit(self, task: Task) -> float:
        """Train the remaining steps of an epoch and return its mean loss."""
        settings, state, budget, accumulation_steps = (
            self.learner.settings,
            self.state,
            self.budget,
            self.learner.accumulation_steps,
        )
        first, before, left = state.step, state.loss_sum, budget.epoch_updates - state.step
        budget.updates_made = budget.epoch_updates

        def save_if_due(done: int, loss_sum: Callable[[], float]) -> None:
            state.step = first + done
            if self.progress.stopping or self._checkpoints.is_due(between_epochs=False):
                state.loss_sum = before + loss_sum()
                self.progress.raise_if_stopping(self._describe_position())
                self._save()

        if left:
            batches = partial(
                self.fold_task.photos.iterate_epoch,
                len(self.history),
                batch_size=settings.batch_size,
                seed=self.fold_task.seed,
                augmentation=settings.augmentation,
                accumulation_steps=accumulation_steps,
                first_batch=first,
            )
            with self.devices.scope():
                fitted = self.model.fit(
                    self.devices.feed(batches),
                    steps_per_epoch=left * accumulation_steps,
                    epochs=1,
                    verbose=0,
                    callbacks=[
                        StepProgress(task, accumulation_steps),
                        BetweenSteps(save_if_due, accumulation_steps, left),
                        StopAtNaN(),
                        StopInTime(budget, accumulation_steps, first),
                    ],
                    shuffle=False,
                )
            state.loss_sum = before + float(fitted.history["loss"][0]) * (budget.updates_made - first)
            state.step = budget.updates_made
        # The last batch is padded by rows of weight 0, which Keras counts in the mean though they have no loss.
        return (
            state.loss_sum
            * settings.batch_size
            / min(budget.updates_made * settings.batch_size, len(self.fold_task.photos))
        )
