"""Events that work reports to displays and to programs that follow a run, one frozen dataclass per kind.

In files, an event has the name of its class: :class:`EpochEnded` is ``epoch_ended``. *Work* has the same unit in all
jobs of a call, see :mod:`ensembler.members.work`.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from .callers import address_caller


@dataclass(frozen=True)
class Event:
    """Base class of all events.

    Attributes
    ----------
    job
        Name of the job that reported the event. Empty if no job did.
    """

    kinds: ClassVar[dict[str, type[Event]]] = {}
    job: str = field(default="", kw_only=True)

    def __init_subclass__(cls) -> None:
        Event.kinds[cls.derive_name()] = cls

    @classmethod
    def derive_name(cls) -> str:
        """Return the name in files, such as ``epoch_ended`` for :class:`EpochEnded`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    def to_json(self) -> dict[str, Any]:
        """Return the name and the fields as plain data for JSON."""
        facts = {"event": self.derive_name(), "job": self.job, **asdict(self)}
        return facts if self.job else {name: fact for name, fact in facts.items() if name != "job"}


def read_event(data: dict[str, Any]) -> Event:
    """Create an event from the data of :meth:`Event.to_json`."""
    facts = dict(data)
    return Event.kinds[facts.pop("event")](**facts)


@dataclass(frozen=True)
class CommandBegan(Event):
    """A command began. ``process`` is the number of its process."""

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
    """A job that will run, with the member and folds that it trains, if any, and its work, 0 if unknown."""

    job: str
    member: str = ""
    folds: tuple[int, ...] = ()
    work: float = 0.0


@dataclass(frozen=True)
class JobsPlanned(Event):
    """Jobs will run, at most ``parallel`` of them at a time."""

    jobs: tuple[PlannedJob, ...]
    parallel: int


@dataclass(frozen=True)
class JobBegan(Event):
    """A job began, or began again on another machine.

    Attributes
    ----------
    process
        Number of its process.
    node
        Name of its machine in a cluster. Empty if the job runs on this machine.
    gpus
        GPUs of that machine that the job uses, separated by commas. Empty on this machine and without GPUs.
    """

    process: int
    node: str = ""
    gpus: str = ""


@dataclass(frozen=True)
class JobEnded(Event):
    """A job ended. ``error`` is empty if the job succeeded, or if it was stopped."""

    seconds: float
    error: str = ""
    stopped: bool = False


@dataclass(frozen=True)
class MemberPlanned(Event):
    """A call will train a member, or finds it finished.

    Attributes
    ----------
    member, competition
        Names.
    fingerprint
        Hash of the settings, the photos and the folds. Calls with the same hash continue the same training.
    settings
        Settings by name, as in ``member.json``.
    hashes
        Hashes of the photos with their labels, and of the folds, by name.
    unfinished
        Numbers of the folds that are still to be trained.
    restart
        Whether an earlier training is discarded.
    """

    member: str
    competition: str
    fingerprint: str
    settings: dict[str, Any]
    hashes: dict[str, str]
    unfinished: tuple[int, ...]
    restart: bool = False


@dataclass(frozen=True)
class MemberScored(Event):
    """All folds of a member are scored. ``scores`` has the values out of fold by name, ``metric`` names the score."""

    member: str
    metric: str
    scores: dict[str, float]


@dataclass(frozen=True)
class StackPlanned(Event):
    """A stack will be fitted, whose name is preliminary if its members are chosen.

    Attributes
    ----------
    stack, competition
        Names.
    fingerprint
        Hash of the options and of the fingerprints of the candidates.
    settings
        Options of the call by name.
    members
        Fingerprints of the candidates by name.
    hashes
        Hashes of the photos with their labels, and of the folds, by name.
    """

    stack: str
    competition: str
    fingerprint: str
    settings: dict[str, Any]
    members: dict[str, str]
    hashes: dict[str, str]


@dataclass(frozen=True)
class StackScored(Event):
    """A stack is finished. ``settings`` are what was chosen, ``scores`` its figures, and ``metric`` names the score."""

    stack: str
    metric: str
    settings: dict[str, Any]
    scores: dict[str, float]


@dataclass(frozen=True)
class WorkAhead(Event):
    """The remaining work of the job was determined."""

    work: float


@dataclass(frozen=True)
class FeaturesMade(Event):
    """Frozen features of photos were computed, in ``views`` views of each photo."""

    member: str
    photos: int
    views: int
    seconds: float


@dataclass(frozen=True)
class FoldBegan(Event):
    """A job began to train a fold. The number -1 stands for training on all photos."""

    member: str
    fold: int


@dataclass(frozen=True)
class EpochEvent(Event):
    """Base class of events about an epoch of fine-tuning, which is number ``epoch`` of ``epochs`` in its phase.

    ``phase`` describes the layers that the phase unfreezes, ``phase_number`` is its number among ``phases``, and
    ``overall`` is the number of the epoch over all phases. All numbers count from 1.
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
        Mean loss over the epoch, including label smoothing, class weights and augmentation.
    held_out_log_loss, val_log_loss
        Log loss on the fold that the member is scored on, and on the rows that decide when to stop. None without such
        rows.
    learning_rate
        Learning rate of the head at the end of the epoch.
    photos_a_second
        Photos per second of training, without evaluation.
    seconds
        Seconds of training, without evaluation.
    memory, gpu_memory
        Bytes of main memory of the job's process, and the peak of its GPU memory so far. None if unknown.
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

    ``epochs`` is None for a fitted head. ``log_loss`` is the held-out log loss, None if nothing was held out.
    """

    member: str
    fold: int
    epochs: int | None
    log_loss: float | None
    seconds: float


@dataclass(frozen=True)
class TaskBegan(Event):
    """A task began, which is work that is counted in steps.

    Attributes
    ----------
    task
        Identity of the task within a run.
    label
        Description such as ``unpack cars.zip``. The name of a job comes first, followed by a colon, such as
        ``b0, fold 2: fine-tune``.
    total
        Number of steps. 0 if unknown.
    done
        Number of steps that an earlier run did.
    unit
        Unit of the steps, such as ``bytes`` or ``photos``. Empty if they have none.
    photos
        Photos that a network processes in each step. 0 if the steps are of another kind.
    work
        Work of each step. 0 if it is not part of the job's work.
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
    """Steps of a task were done, see :class:`TaskBegan`."""

    task: str
    steps: int


@dataclass(frozen=True)
class TaskEnded(Event):
    """A task ended after ``done`` steps. The end of a job also ends its tasks."""

    task: str
    label: str
    done: int
    seconds: float


@dataclass(frozen=True)
class Noted(Event):
    """A note for the user. The console shows a note with ``detail`` only in verbose mode."""

    text: str
    detail: bool = False

    def __post_init__(self) -> None:
        """Have it name arguments as the caller does."""
        object.__setattr__(self, "text", address_caller(self.text))


@dataclass(frozen=True)
class Warned(Event):
    """A warning about something that the user may want to change."""

    text: str

    def __post_init__(self) -> None:
        """Have it name arguments as the caller does."""
        object.__setattr__(self, "text", address_caller(self.text))


@dataclass(frozen=True)
class CommandFailed(Event):
    """A command failed with the error ``text``."""

    text: str
