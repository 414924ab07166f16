"""The job of a teacher: its predictions of the photos that the folds of its students learn from.

A fold is taught by networks that never saw what it holds out. On the photos to predict, these are the networks of the
same fold. On the fold's training photos, a frozen member is cross-validated once more: each photo is predicted by a
head that saw neither the held-out fold nor the photo's own. Its penalty, or its number of epochs, is that of the fold's
head, so that it costs seconds. A fine-tuned member would need a network for each pair of folds. There the fold's own
network predicts the photos that it was trained on, as in Hinton, Vinyals & Dean (Distilling the Knowledge in a Neural
Network, 2015).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ....backbones.jobs.views import average_views
from ....competition.folds.splits import ALL_PHOTOS
from ....heads.jobs.hidden import HiddenHead
from ....heads.jobs.losses import compute_class_weights
from ....heads.linear import fit_heads
from ....heads.links import average_log_odds
from ....heads.stacked_views import StackedViews
from ....images.views import VIEWS
from ....progress import Progress
from ....serialization import make_record
from ...competition_photos import make_competition_photos
from ...features.jobs.compute import load_or_compute_features
from ...features.views import list_feature_views, list_head_views
from ...fine_tuning.jobs.fine_tune import compute_probabilities
from ...jobs.head_fitting import Head
from ...predictions import MemberPredictions, load_test_predictions
from ...records import read_history
from ...teaching_stack import mask_unrelated_photos
from ...training_job import TrainingJob
from ..files import TeacherPredictions, save_teacher_predictions
from ..teaching_job import TeachingJob


def teach(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write the missing predictions for the folds named in ``spec``; see :class:`TeachingJob`."""
    teaching = make_record(spec, TeachingJob, "the description of the job")
    missing = [fold for fold in teaching.folds if teaching.list_learners(fold)]
    for fold in progress.track(missing, "predictions of the teacher", len(missing)):
        predictions = predict_for_fold(teaching, fold, progress)
        for student in teaching.list_learners(fold):
            save_teacher_predictions(teaching.folder, student, fold, predictions, teaching.tables)
    return {}


def predict_for_fold(teaching: TeachingJob, fold: int, progress: Progress) -> TeacherPredictions:
    """Return the mean of the members' log-odds on the photos that a fold learns from."""
    tables, multiclass = teaching.tables, teaching.tables.manifest.sums_to_one
    rows = np.flatnonzero(teaching.splits.mask_training(fold))
    of_training, of_test = zip(
        *(_predict_by_member(teaching, member, fold, progress) for member in teaching.predictions), strict=True
    )
    training = np.full(tables.targets.shape, np.nan, np.float32)
    training[rows] = average_log_odds(of_training, multiclass=multiclass)
    unrelated = np.flatnonzero(mask_unrelated_photos(teaching.folder, tables, teaching.splits, fold))
    return TeacherPredictions(training, unrelated, average_log_odds(of_test, multiclass=multiclass)[unrelated])


def _predict_by_member(
    teaching: TeachingJob, member: MemberPredictions, fold: int, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a member's probabilities of a fold's training photos, and of the photos to predict."""
    if fold == ALL_PHOTOS:
        # Nothing is held out, so all networks of the member may teach.
        return member.out_of_fold[teaching.splits.mask_training(fold)], member.test
    job = TrainingJob(teaching.folder, member.name, (fold,), "")
    test = load_test_predictions(teaching.folder, teaching.tables, member.record, fold)
    predict_training = _predict_across_inner_folds if member.record.settings.frozen else _predict_by_own_network
    return predict_training(job, fold, progress), test


def _predict_across_inner_folds(job: TrainingJob, fold: int, progress: Progress) -> NDArray[np.float32]:
    """Predict each training photo of a fold by a head that was fitted without the photo's inner fold.

    Photos that cannot be divided into inner folds are predicted by a head that saw them.
    """
    settings = job.record.settings
    views, predicted_views = list_head_views(settings), VIEWS[settings.tta]
    features = load_or_compute_features(job, list_feature_views(settings), progress)
    rows = np.flatnonzero(job.splits.mask_training(fold))
    inner = job.splits.make_inner_folds(fold)
    X = StackedViews([features[view][0] for view in views], rows)
    heads = _fit_across_folds(job, fold, X, job.targets[rows], inner)
    predicted = np.empty((len(rows), len(job.tables.manifest.outputs)), np.float32)
    for number, head in heads.items():
        mine = inner == number
        of_views = [head.predict_proba(features[view][0][rows[mine]]) for view in predicted_views]
        predicted[mine] = np.mean(of_views, axis=0)
    return predicted


def _fit_across_folds(
    job: TrainingJob, fold: int, X: StackedViews, Y: NDArray[np.float32], inner: NDArray[np.int64]
) -> dict[int, Head]:
    """Fit a head for each inner fold on the rows of the others, with the setting of the fold's own head."""
    numbers = np.unique(inner).tolist()
    settings = job.record.settings
    views = len(list_head_views(settings))
    setting = read_history(job.folder.fold(job.member, fold))[0]
    weights = compute_class_weights(Y, settings.class_weights, multiclass=job.multiclass)
    if not settings.hidden:
        strength = (float(setting["inverse_penalty"]),)
        left_out: list[int | None] = numbers if len(numbers) > 1 else [None]
        fitted = fit_heads(
            X, Y, inner, left_out, multiclass=job.multiclass, strengths=strength, views=views, weights=weights
        )
        return {number: fitted[left] for number, left in zip(numbers, left_out, strict=True)}
    shown, epochs = X.copy_all(), int(setting["epochs"])
    heads: dict[int, Head] = {}
    for number in numbers:
        learned = (inner != number) | (len(numbers) == 1)
        head = HiddenHead(settings, multiclass=job.multiclass)
        heads[number] = head.fit(shown[np.tile(learned, views)], Y[learned], inner[learned], views=views, epochs=epochs)
    return heads


def _predict_by_own_network(job: TrainingJob, fold: int, progress: Progress) -> NDArray[np.float32]:
    """Predict the training photos of a fold by the fine-tuned network that saw them."""
    rows = np.flatnonzero(job.splits.mask_training(fold))
    photos = make_competition_photos(job, progress).select_photos(rows)
    model = keras.saving.load_model(job.folder.fold(job.member, fold) / "model.keras", compile=False)
    task = progress.start(f"{job.member}: training photos of {job.describe_fold(fold)}", len(rows), photos=1)
    predicted = compute_probabilities(average_views(model, job.record.settings.tta), photos, job, progress, task)
    keras.backend.clear_session()
    return predicted
