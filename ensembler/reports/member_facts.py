"""Facts about members and their parts in a stack."""

from __future__ import annotations

from dataclasses import dataclass, field

from .gap import Gap


@dataclass(frozen=True, kw_only=True)
class FoldCurve:
    """The epochs of one fold's training, in order.

    Attributes
    ----------
    phases
        Number of the phase of each epoch, from 1.
    training, validation, held_out
        Training loss, log loss of the validation split, and log loss of the held-out photos, one value for each epoch.
        Unknown values are None.
    seconds
        Duration of each epoch.
    """

    fold: int
    phases: tuple[int, ...]
    training: tuple[float | None, ...]
    validation: tuple[float | None, ...]
    held_out: tuple[float | None, ...]
    seconds: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class MemberFacts:
    """A trained member.

    Attributes
    ----------
    state
        ``finished``, or what is missing.
    seconds_per_epoch
        Mean time of an epoch of fine-tuning. None for a frozen backbone, which has no epochs.
    milliseconds_per_photo, single
        Mean time of predictions of single photos, and their number.
    parameters, megabytes
        Size of one fold's network.
    corrected_log_loss
        Log loss without the photos that the member excludes, and by its new labels. None without corrections.
    without
        Loss of the stack without the member, by the metric; positive is worse. None outside of the shown stack.
    without_interval
        95 % interval of that difference.
    errors_alike
        Mean correlation of its errors with those of the stack's other members.
    """

    name: str
    state: str
    is_finished: bool
    in_stack: bool
    frozen: bool
    log_loss: float | None
    log_loss_spread: float | None
    score: float | None
    standard_error: float | None
    accuracy: float | None
    fold_log_losses: tuple[float, ...]
    seconds: float
    seconds_per_epoch: float | None
    milliseconds_per_photo: float | None
    photos_per_second: float | None
    single: int | None
    device: str
    parameters: int | None
    megabytes: float | None
    settings: dict[str, str]
    corrected_log_loss: float | None = None
    without: float | None = None
    without_interval: tuple[float, float] | None = None
    errors_alike: float | None = None
    curves: tuple[FoldCurve, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MembersFacts:
    """The second section: members, and their roles in the shown stack."""

    members: tuple[MemberFacts, ...] = ()
    correlated: tuple[str, ...] = ()
    correlations: tuple[tuple[float | None, ...], ...] = ()
    meta_learners: dict[str, float] = field(default_factory=dict)
    gap: Gap | None = None
    stack_gap: Gap | None = None
