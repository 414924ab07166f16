"""The job of a frozen member: its features once, then a head for each fold."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...events import FoldBegan, FoldEnded, WorkAhead
from ...heads.jobs.hidden import HiddenHead
from ...images.views import VIEWS
from ...inference.jobs.networks import join
from ...progress import Progress
from ...storage import whole_file
from ..features.jobs.compute import Features, frozen_features, keep_backbone
from ..job_locks import fold_to_train
from ..pseudo_labels.jobs.heads import taught_pseudo_labels
from ..records import save_fold
from ..training_job import Assignment
from .head_fitting import FoldHeads, Head, keras_head, learned_views
from .speed import keep_speed
from .tensorboard import watched_by_board


def train_frozen(told: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Train the heads of the folds named in ``told``; see :class:`Assignment`."""
    # The process may have trained another member before.
    keras.backend.clear_session()
    assignment = Assignment.from_json(told)
    views = dict.fromkeys([*learned_views(assignment), *VIEWS[assignment.record.settings.tta]])
    features = frozen_features(assignment, list(views), progress)
    progress.tell(WorkAhead(0))
    backbone = keep_backbone(assignment)
    heads = FoldHeads(assignment, {view: training for view, (training, _) in features.items()}, progress)
    task = progress.start(f"{assignment.member}: heads", len(assignment.folds))
    for number, fold in enumerate(assignment.folds):
        progress.go_on(f"after {number} of {len(assignment.folds)} heads of {assignment.member}")
        with fold_to_train(assignment, fold, progress) as missing:
            if missing:
                heard = watched_by_board(assignment, fold, progress)
                heard.tell(FoldBegan(assignment.member, fold))
                heard.tell(_train_fold(assignment, fold, heads, features))
        task.advance()
    task.finish()
    keep_speed(assignment.folder, assignment.record, partial(_network, assignment, backbone), progress)
    return {}


def _network(assignment: Assignment, backbone: Any) -> Any:
    head = assignment.folder.fold(assignment.member, assignment.folds[0]) / "head.keras"
    return join(backbone, keras.saving.load_model(head, compile=False), assignment.member)


def _train_fold(assignment: Assignment, fold: int, heads: FoldHeads, features: Features) -> FoldEnded:
    began = time.monotonic()
    settings = assignment.record.settings
    head = taught_pseudo_labels(heads.of(fold), assignment, fold, features, learned_views(assignment))
    place = assignment.folder.fold(assignment.member, fold)
    with whole_file(place / "head.keras") as temporary:
        keras_head(head, settings.dropout).save(temporary)
    held_out = assignment.splits.held_out(fold)
    predictions, score = assignment.predictions(
        fold,
        _mean_over_views(head, [features[view][0][held_out] for view in VIEWS[settings.tta]]),
        _mean_over_views(head, [features[view][1] for view in VIEWS[settings.tta]]),
    )
    history = [{"phase": "head", **_chosen(head), "held_out_log_loss": score}]
    seconds = time.monotonic() - began
    save_fold(assignment.folder, assignment.record, fold, predictions, history, score, seconds)
    return FoldEnded(assignment.member, fold, None, score, round(seconds, 3))


def _mean_over_views(head: Head, views: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.asarray(np.mean([head.predict_proba(view) for view in views], axis=0), dtype=np.float32)


def _chosen(head: Head) -> dict[str, Any]:
    """Return what the folds chose of the head."""
    return {"epochs": head.epochs_} if isinstance(head, HiddenHead) else {"inverse_penalty": head.strength_}
