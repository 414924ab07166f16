"""Runs of members, folds and stacks, as events tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..events import (
    EpochEnded,
    Event,
    FeaturesMade,
    FoldBegan,
    FoldEnded,
    JobEnded,
    MemberPlanned,
    MemberScored,
    StackPlanned,
    StackScored,
)
from .store import FINGERPRINT_TAG, FOLD_TAG, KIND_TAG, Status, Store
from .values import flatten_settings, list_version_tags, select_metrics

# Number of the fold of a network that learns from all photos.
_ALL_PHOTOS = -1
TRACKED = (
    EpochEnded,
    FeaturesMade,
    FoldBegan,
    FoldEnded,
    JobEnded,
    MemberPlanned,
    MemberScored,
    StackPlanned,
    StackScored,
)


class Runs:
    """Runs of one call.

    Parameters
    ----------
    store
        Store of the runs.
    report
        Path of the competition's report, which is stored with finished members and stacks if it exists.
    """

    def __init__(self, store: Store, report: Path) -> None:
        self._store = store
        self._report = report
        self._members: dict[str, str] = {}
        self._unfinished: dict[str, set[int]] = {}
        self._folds: dict[tuple[str, int], str] = {}
        self._jobs: dict[tuple[str, int], str] = {}
        self._stack = ""

    def handle(self, event: Event, milliseconds: int) -> None:
        """Store what an event tells. ``milliseconds`` is the time of the event since 1970."""
        match event:
            case MemberPlanned():
                self._plan_member(event)
            case FoldBegan():
                self._begin_fold(event)
            case EpochEnded():
                self._log_epoch(event, milliseconds)
            case FoldEnded():
                self._end_fold(event, milliseconds)
            case FeaturesMade() if event.member in self._members and event.seconds > 0:
                speed = {"features_photos_a_second": event.photos / event.seconds}
                self._store.log_metrics(self._members[event.member], speed, milliseconds=milliseconds)
            case MemberScored() if event.member in self._members:
                self._log_scores(self._members[event.member], event.metric, event.scores)
            case JobEnded() if event.error or event.stopped:
                self._end_folds_of(event.job, "KILLED" if event.stopped else "FAILED")
            case StackPlanned():
                self._plan_stack(event)
            case StackScored() if self._stack:
                self._score_stack(event)

    def finish(self, status: Status) -> None:
        """End all runs of the call. A member that has no unfinished fold is finished, whatever became of the others."""
        for fold in list(self._folds.values()):
            self._store.end_run(fold, status)
        self._folds.clear()
        for name, run in self._members.items():
            ended: Status = "FINISHED" if not self._unfinished[name] else status
            self._end(run, ended)
        if self._stack:
            self._end(self._stack, status)

    def _end(self, run: str, status: Status) -> None:
        if status == "FINISHED" and self._report.is_file():
            self._store.log_artifact(run, self._report)
        self._store.end_run(run, status)

    def _plan_member(self, event: MemberPlanned) -> None:
        self._members[event.member] = self._store.open_run(
            event.member,
            {KIND_TAG: "member", FINGERPRINT_TAG: event.fingerprint},
            flatten_settings(event.settings),
            _make_tags(event.competition, event.settings.get("seed"), event.hashes) | {"member": event.member},
            new=event.restart,
        )
        self._unfinished[event.member] = set(event.unfinished)

    def _begin_fold(self, event: FoldBegan) -> None:
        if event.member not in self._members:
            return
        name = "all photos" if event.fold == _ALL_PHOTOS else f"fold {event.fold}"
        self._folds[event.member, event.fold] = self._store.open_run(
            f"{event.member}, {name}",
            {KIND_TAG: "fold", FOLD_TAG: str(event.fold)},
            {"fold": str(event.fold)},
            {"member": event.member},
            self._members[event.member],
        )
        self._jobs[event.member, event.fold] = event.job

    def _log_epoch(self, event: EpochEnded, milliseconds: int) -> None:
        if (run := self._folds.get((event.member, event.fold))) is None:
            return
        metrics = {
            "training_loss": event.training_loss,
            "held_out_log_loss": event.held_out_log_loss,
            "validation_log_loss": event.val_log_loss,
            "learning_rate": event.learning_rate,
            "photos_a_second": event.photos_a_second,
            "phase": float(event.phase_number),
        }
        self._store.log_metrics(run, select_metrics(metrics), event.overall, milliseconds)

    def _end_fold(self, event: FoldEnded, milliseconds: int) -> None:
        if (run := self._folds.pop((event.member, event.fold), None)) is None:
            return
        metrics = select_metrics({"log_loss": event.log_loss, "seconds": event.seconds, "epochs": event.epochs})
        self._store.log_metrics(run, metrics, milliseconds=milliseconds)
        self._store.end_run(run, "FINISHED")
        self._unfinished[event.member].discard(event.fold)
        loss = select_metrics({"fold_log_loss": event.log_loss})
        if loss and event.fold >= 0:
            self._store.log_metrics(self._members[event.member], loss, event.fold, milliseconds)

    def _end_folds_of(self, job: str, status: Status) -> None:
        """End the folds of a job that failed or was stopped."""
        for place in [place for place in self._folds if self._jobs.get(place) == job]:
            self._store.end_run(self._folds.pop(place), status)

    def _plan_stack(self, event: StackPlanned) -> None:
        params = flatten_settings({**event.settings, "members": list(event.members)})
        tags = {f"member.{name}": fingerprint for name, fingerprint in event.members.items()}
        self._stack = self._store.open_run(
            event.stack,
            {KIND_TAG: "stack", FINGERPRINT_TAG: event.fingerprint},
            params,
            _make_tags(event.competition, event.settings.get("seed"), event.hashes) | flatten_settings(tags),
        )

    def _score_stack(self, event: StackScored) -> None:
        self._store.rename(self._stack, event.stack)
        self._store.log_tags(self._stack, flatten_settings(event.settings, "chosen."))
        self._log_scores(self._stack, event.metric, event.scores)

    def _log_scores(self, run: str, metric: str, scores: Mapping[str, float]) -> None:
        self._store.log_changed_metrics(run, select_metrics(scores))
        self._store.log_tags(run, {"metric": metric})


def _make_tags(competition: str, seed: Any, hashes: Mapping[str, str]) -> dict[str, str]:
    tags = {"competition": competition, "seed": str(seed), **{f"hash.{name}": value for name, value in hashes.items()}}
    return tags | list_version_tags()
