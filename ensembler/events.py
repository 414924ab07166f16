"""Facts that work tells, for displays and programs that follow it: a frozen dataclass for each kind.

An event's name, wherever it is written down, is that of its class: :class:`EpochEnded` is ``epoch_ended``. *Work* is
counted in a unit that is the same for all jobs of a call, see :mod:`ensembler.members.work`.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    kinds: ClassVar[dict[str, type[Event]]] = {}

    def __init_subclass__(cls) -> None:
        Event.kinds[cls.derive_name()] = cls

    @classmethod
    def derive_name(cls) -> str:
        """``epoch_ended`` for :class:`EpochEnded`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    def to_json(self) -> dict[str, Any]:
        """Return the name and the facts as JSON can hold them."""
        return {"event": self.derive_name(), **asdict(self)}


def read_event(data: dict[str, Any]) -> Event:
    """Make the event of which :meth:`Event.to_json` told."""
    facts = dict(data)
    return Event.kinds[facts.pop("event")](**facts)


@dataclass(frozen=True)
class CommandBegan(Event):
    """A command line was understood; ``process`` is its number on this machine."""

    command: str
    version: str
    process: int


@dataclass(frozen=True)
class CommandEnded(Event):
    """A command is over."""

    command: str
    exit_code: int
    seconds: float


@dataclass(frozen=True)
class PlannedJob(Event):
    """A job that will run: what it trains, where it trains something, and how much work that is, 0 if unknown."""

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
    """A job's process was started; ``process`` is its number."""

    job: str
    process: int


@dataclass(frozen=True)
class JobEnded(Event):
    """A job's process is over; ``error`` is empty if it did its work, or was stopped and saved what it had."""

    job: str
    seconds: float
    error: str = ""
    stopped: bool = False


@dataclass(frozen=True)
class WorkAhead(Event):
    """How much of its work the job that tells it has still to do."""

    work: float


@dataclass(frozen=True)
class FeaturesMade(Event):
    """Frozen features were computed of ``photos``, each as ``views`` show it."""

    member: str
    photos: int
    views: int
    seconds: float


@dataclass(frozen=True)
class FoldBegan(Event):
    """A job turned to a fold; -1 is all photos."""

    member: str
    fold: int


@dataclass(frozen=True)
class EpochBegan(Event):
    """An epoch of fine-tuning begins: ``epoch`` of ``epochs`` in its phase, both counted from 1.

    ``phase`` is what it unfreezes, ``phase_number`` its place among ``phases``, and ``overall`` the place of the epoch
    among those of all phases, all counted from 1.
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
class EpochEnded(Event):
    """An epoch of fine-tuning is over; see :class:`EpochBegan` for its place.

    Attributes
    ----------
    training_loss
        Mean over the epoch, with smoothed labels, class weights and augmentation where those are used.
    held_out_log_loss, val_log_loss
        On the fold that the member is scored on, and on the rows that tell it when to stop; None where there are none.
    learning_rate
        At the end of the epoch, of the head.
    photos_a_second
        Learned from, without the time that judging takes.
    seconds
        Of learning.
    memory, gpu_memory
        Bytes of main memory that the job's process holds now, and most bytes of its GPU that it held so far; None where
        nobody tells.
    """

    member: str
    fold: int
    phase: str
    phase_number: int
    phases: int
    epoch: int
    epochs: int
    overall: int
    training_loss: float
    held_out_log_loss: float | None
    val_log_loss: float | None
    learning_rate: float
    photos_a_second: float
    seconds: float
    memory: int | None
    gpu_memory: int | None


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
    """A task of ``total`` steps began, 0 if nobody knows how many; ``label`` says what of."""

    label: str
    total: int


@dataclass(frozen=True)
class TaskEnded(Event):
    """A task is over, ``done`` steps of it done."""

    label: str
    done: int
    seconds: float


@dataclass(frozen=True)
class Noted(Event):
    """Something worth knowing."""

    text: str


@dataclass(frozen=True)
class Warned(Event):
    """Something that a person may want to change."""

    text: str


@dataclass(frozen=True)
class CommandFailed(Event):
    """The sentence that a command ended with."""

    text: str
