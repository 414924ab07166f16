"""What work reports, for displays and for programs that follow a run: a frozen dataclass for each kind of event.

An event's name, wherever it is written down, is that of its class: :class:`EpochEnded` is ``epoch_ended``. *Work* is
counted in a unit that is the same for all jobs of a call, see :mod:`ensembler.members.work`.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from .callers import address_caller


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes
    ----------
    job
        Name of the job that reports it; empty if no job does.
    """

    kinds: ClassVar[dict[str, type[Event]]] = {}
    job: str = field(default="", kw_only=True)

    def __init_subclass__(cls) -> None:
        Event.kinds[cls.derive_name()] = cls

    @classmethod
    def derive_name(cls) -> str:
        """Return ``epoch_ended`` for :class:`EpochEnded`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    def to_json(self) -> dict[str, Any]:
        """Return the name and the facts as JSON can hold them."""
        facts = {"event": self.derive_name(), "job": self.job, **asdict(self)}
        return facts if self.job else {name: fact for name, fact in facts.items() if name != "job"}


def read_event(data: dict[str, Any]) -> Event:
    """Return the event that :meth:`Event.to_json` described."""
    facts = dict(data)
    return Event.kinds[facts.pop("event")](**facts)


@dataclass(frozen=True)
class CommandBegan(Event):
    """A command began; ``process`` is the number of its process."""

    command: str
    version: str
    process: int


@dataclass(frozen=True)
class CommandEnded(Event):
    """A command ended."""

    command: str
    exit_code: int
    seconds: float


@dataclass(frozen=True)
class PlannedJob:
    """A job that will run: the member and folds that it trains, if any, and how much work that is, 0 if unknown."""

    job: str
    member: str = ""
    folds: tuple[int, ...] = ()
    work: float = 0.0


@dataclass(frozen=True)
class JobsPlanned(Event):
    """Jobs are about to run, ``parallel`` of them at a time."""

    jobs: tuple[PlannedJob, ...]
    parallel: int


@dataclass(frozen=True)
class JobBegan(Event):
    """A job began, in the process with the number ``process``."""

    process: int


@dataclass(frozen=True)
class JobEnded(Event):
    """A job ended; ``error`` is empty if it did its work, or was stopped and saved what it had."""

    seconds: float
    error: str = ""
    stopped: bool = False


@dataclass(frozen=True)
class WorkAhead(Event):
    """How much work the job has still to do."""

    work: float


@dataclass(frozen=True)
class FeaturesMade(Event):
    """Frozen features of ``photos`` photos were computed, in ``views`` views of each."""

    member: str
    photos: int
    views: int
    seconds: float


@dataclass(frozen=True)
class FoldBegan(Event):
    """A job began to train a fold; -1 stands for all photos."""

    member: str
    fold: int


@dataclass(frozen=True)
class EpochEvent(Event):
    """Something about an epoch of fine-tuning: ``epoch`` of ``epochs`` in its phase.

    ``phase`` is what the phase unfreezes, ``phase_number`` its number among ``phases``, and ``overall`` the number of
    the epoch over all phases. All numbers count from 1.
    """

    member: str
    fold: int
    phase: str
    phase_number: int
    phases: int
    epoch: int
    epochs: int
    overall: int


@dataclass(frozen=True)
class EpochBegan(EpochEvent):
    """An epoch of fine-tuning began."""


@dataclass(frozen=True)
class EpochEnded(EpochEvent):
    """An epoch of fine-tuning ended.

    Attributes
    ----------
    training_loss
        Mean loss over the epoch, with label smoothing, class weights and augmentation where those are used.
    held_out_log_loss, val_log_loss
        Log loss on the fold that the member is scored on, and on the rows that decide when to stop; None where there
        are none.
    learning_rate
        Learning rate of the head at the end of the epoch.
    photos_a_second
        Speed of training, without the time of evaluation.
    seconds
        Time of training.
    memory, gpu_memory
        Bytes of main memory that the job's process holds, and the peak of its GPU memory so far; None where unknown.
    """

    training_loss: float
    held_out_log_loss: float | None
    val_log_loss: float | None
    learning_rate: float
    photos_a_second: float
    seconds: float
    memory: int | None
    gpu_memory: int | None

    @property
    def log_loss(self) -> float | None:
        """Log loss on the validation rows, or else on the held-out fold."""
        return self.held_out_log_loss if self.val_log_loss is None else self.val_log_loss


@dataclass(frozen=True)
class FoldEnded(Event):
    """A fold's predictions are stored.

    ``epochs`` is None where a head was fitted; the log loss is the held-out one, None where nothing was held out.
    """

    member: str
    fold: int
    epochs: int | None
    log_loss: float | None
    seconds: float


@dataclass(frozen=True)
class TaskBegan(Event):
    """A task, a piece of work that is counted in steps, began.

    Attributes
    ----------
    task
        Identifies the task in all events of a run.
    label
        What is done, such as ``unpack cars.zip``; where several work at once, who does it and a colon come first, as in
        ``b0, fold 2: fine-tune``.
    total
        Number of steps; 0 if unknown.
    done
        Number of steps that an earlier run did.
    unit
        Unit of the steps, such as ``bytes`` or ``photos``; empty where they have none.
    photos
        Photos that each step takes through a network; 0 where steps are something else.
    work
        Work of each step, as :class:`WorkAhead` counts it; 0 where that does not count it.
    """

    task: str
    label: str
    total: int
    done: int = 0
    unit: str = ""
    photos: float = 0
    work: float = 0


@dataclass(frozen=True)
class TaskAdvanced(Event):
    """Steps of a task were done; see :class:`TaskBegan`."""

    task: str
    steps: int


@dataclass(frozen=True)
class TaskEnded(Event):
    """A task is over, with ``done`` steps done. The end of a job also ends its tasks."""

    task: str
    label: str
    done: int
    seconds: float


@dataclass(frozen=True)
class Noted(Event):
    """Something worth knowing; ``detail`` marks what is only for the curious."""

    text: str
    detail: bool = False

    def __post_init__(self) -> None:
        """Have it name arguments as the caller does."""
        object.__setattr__(self, "text", address_caller(self.text))


@dataclass(frozen=True)
class Warned(Event):
    """Something that a person may want to change."""

    text: str

    def __post_init__(self) -> None:
        """Have it name arguments as the caller does."""
        object.__setattr__(self, "text", address_caller(self.text))


@dataclass(frozen=True)
class CommandFailed(Event):
    """A command failed with the sentence ``text``."""

    text: str
