"""The choice between float32 and bfloat16 for frozen features, by the speed of both and the losses of heads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from math import ceil, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....competition.folds.splits import ALL_PHOTOS
from ....competition.folds.stratified_order import order_photos
from ....competition.metrics.metrics import compute_row_losses
from ....errors import BadChoice
from ....heads.out_of_fold import predict_out_of_fold
from ....images.batches import iterate_pixel_batches
from ....inference.jobs.converted import find_obstacle
from ....inference.jobs.openvino_session import is_bfloat16_supported
from ....inference.jobs.predictor import MIN_PHOTOS, MIN_SIZE, Predictor
from ....inference.runtimes import SIXTEEN_BIT, RuntimeChoice, is_installed
from ....inference.speeds import choose_fastest, is_faster
from ....progress import SILENT, Progress
from ...competition_photos import CompetitionPhotos
from ...job_locks import wait_for_lock
from ...records import load_fold_record
from ...training_job import TrainingJob
from ..files import build_path_in_precision
from ..parts import FeatureParts
from ..precision import PRECISION_SUFFIX, PrecisionDecision, load_decision, locate_decision, save_decision
from ..views import list_feature_views

# Photos on which heads are compared: at least this many, and several of each class.
SAMPLE_PHOTOS, SAMPLE_PHOTOS_PER_CLASS, MAX_SAMPLE_PHOTOS = 512, 5, 2048
# Share of its standard error by which the log loss may move.
MAX_SHIFT = 0.1
# Features of which at least this share is known keep their precision.
_KNOWN_SHARE = 0.5

Features = NDArray[np.float32]


def settle_precision(
    job: TrainingJob,
    own: Sequence[str],
    photos: Callable[[], CompetitionPhotos],
    build: Callable[[], Any],
    progress: Progress,
) -> None:
    """Choose the precision of a member's features, unless it is chosen already, and write it beside them.

    Parameters
    ----------
    job
        Training job of the member, whose ``runtime_precision`` is what the user requested.
    own
        Preprocessing and hash of the weights of a custom backbone, empty for others; see :func:`.build_feature_path`.
    photos, build
        Functions that open the photos and build the backbone, called only for a comparison.
    progress
        Receives the decision.

    Raises
    ------
    BadChoice
        If the request contradicts features, or folds of the member, that are stored in another precision.
    """
    folder, record = job.folder, job.record
    path = locate_decision(folder, record, own)
    with wait_for_lock(
        folder, f"precision-{path.name.removesuffix(PRECISION_SUFFIX)}", f"{job.member}: precision", progress
    ):
        decided, trained = load_decision(folder, record, own), _find_trained(job)
        if decided and trained and decided.precision != trained.precision:
            raise BadChoice(
                f"Finished folds of {job.member} were trained on features in {trained.precision}, and {path} says "
                f"{decided.precision}: train {job.member} again with --restart."
            )
        known = decided or trained or _find_made(job, own)
        if known is not None and job.runtime_precision in ("auto", known.precision):
            if known.precision == "bfloat16":
                # The cache may have been deleted since folds were trained on it.
                save_decision(folder, record, own, known)
            return
        if known is not None:
            raise BadChoice(
                f"The frozen features of {job.member} are kept in {known.precision}, because {known.reason}: leave "
                f"`--runtime-precision {job.runtime_precision}` out, or delete {path.parent} and train the members "
                f"again with --restart."
            )
        if job.runtime_precision != "auto":
            requested = PrecisionDecision(
                job.runtime_precision, f"`--runtime-precision {job.runtime_precision}` says so"
            )
            save_decision(folder, record, own, requested)
        elif decision := choose_precision(job, photos, build, progress):
            save_decision(folder, record, own, decision)
            progress.note(
                f"Frozen features of {job.member} are computed in {decision.precision}, because {decision.reason}.",
                detail=True,
            )


def _find_trained(job: TrainingJob) -> PrecisionDecision | None:
    """Return the precision of the features that finished folds were trained on, which outlives the cache."""
    for fold in (*range(job.record.folds_count), ALL_PHOTOS) if job.record.settings.frozen else ():
        trained = load_fold_record(job.folder, job.member, fold)
        if trained is not None and trained.member == job.record.fingerprint:
            return PrecisionDecision(trained.feature_precision, "finished folds were trained on such features")
    return None


def _find_made(job: TrainingJob, own: Sequence[str]) -> PrecisionDecision | None:
    """Return the precision of features that were computed before there was a decision."""
    total = len(job.tables.train) + len(job.tables.test_paths)
    views = list_feature_views(job.record.settings)
    paths = [build_path_in_precision(job.folder, job.record, view, "float32", own) for view in views]
    for path in paths:
        if path.is_file() or FeatureParts(path, total, SILENT).known.mean() >= _KNOWN_SHARE:
            return PrecisionDecision("float32", "most of them were computed in it before")
    return None


def choose_precision(
    job: TrainingJob,
    photos: Callable[[], CompetitionPhotos],
    build: Callable[[], Any],
    progress: Progress,
) -> PrecisionDecision | None:
    """Choose bfloat16 where it is faster on this machine, by measure, and does not matter to a head.

    Heads are fitted by folds on features of the same sample of photos in both precisions. The mean of their
    out-of-fold losses may move by a tenth of its standard error.

    Returns
    -------
    PrecisionDecision or None
        None if there are too few photos to gain time in any precision.
    """
    settings = job.record.settings
    total = len(job.tables.train) + len(job.tables.test_paths)
    if total < MIN_PHOTOS or settings.image_size < MIN_SIZE:
        return None
    if problem := _find_obstacle(job.runtime):
        return PrecisionDecision("float32", problem)
    rows, passes, model = select_sample(job), total * len(list_feature_views(settings)), build()
    batches = iterate_pixel_batches(photos().select_photos(rows), settings.batch_size)
    batch = next(batches)
    make = partial(Predictor, model, settings.batch_size, job.member, progress=progress)
    timings = make(choice=job.runtime).measure(batch, passes, sixteen_bit=True)
    if SIXTEEN_BIT not in timings:
        return None
    wide, narrow = timings[choose_fastest(timings, passes)], timings[SIXTEEN_BIT]
    if narrow.trouble:
        return PrecisionDecision("float32", narrow.trouble)
    if not is_faster(narrow, wide):
        return PrecisionDecision("float32", "bfloat16 gains nothing here")
    saved = passes * (wide.seconds - narrow.seconds)
    if saved <= narrow.conversion + len(rows) * (wide.seconds + narrow.seconds):
        return PrecisionDecision("float32", "bfloat16 saves less time than a comparison of both takes")
    predictors = [make(choice=job.runtime), make(choice=SIXTEEN_BIT)]
    features: tuple[list[Features], list[Features]] = ([], [])
    steps = progress.track(
        chain([batch], batches), f"{job.member}: compare precisions", ceil(len(rows) / settings.batch_size)
    )
    for pixels in steps:
        for each, predictor in zip(features, predictors, strict=True):
            each.append(predictor.predict_batch(pixels, passes))
    in_float32, in_bfloat16 = (_compute_losses(np.concatenate(each), job, rows, progress) for each in features)
    return compare_losses(in_float32, in_bfloat16, wide.seconds / narrow.seconds)


def compare_losses(in_float32: NDArray[np.float64], in_bfloat16: NDArray[np.float64], gain: float) -> PrecisionDecision:
    """Choose bfloat16 if the mean loss moves by at most :data:`MAX_SHIFT` of its standard error.

    Parameters
    ----------
    in_float32, in_bfloat16
        Out-of-fold losses of the same photos by heads on features in both precisions, shape (photos,).
    gain
        Speed in bfloat16 relative to that in float32.
    """
    error = float(in_float32.std(ddof=1)) / sqrt(len(in_float32)) if len(in_float32) > 1 else nan
    shift = float(in_bfloat16.mean() - in_float32.mean())
    # NaN fails the comparison.
    harmless = abs(shift) <= MAX_SHIFT * error
    photos = len(in_float32)
    moved = f"the log loss of a head on {photos} photos moves by {shift:+.2g}, with a standard error of {error:.2g}"
    return PrecisionDecision(
        "bfloat16" if harmless else "float32",
        f"bfloat16 is {gain:.1f} times as fast here, and {moved}",
        photos,
        float(in_float32.mean()),
        float(in_bfloat16.mean()),
        error,
    )


def select_sample(job: TrainingJob) -> NDArray[np.int64]:
    """Return the rows of the photos on which precisions are compared, stratified by label and fold, and sorted."""
    outputs = len(job.tables.manifest.outputs)
    photos = min(max(SAMPLE_PHOTOS, SAMPLE_PHOTOS_PER_CLASS * outputs), MAX_SAMPLE_PHOTOS)
    ordered = order_photos(job.tables, job.splits, job.record.settings.seed)
    return np.sort(ordered[job.splits.kept[ordered]][:photos])


def _find_obstacle(runtime: RuntimeChoice) -> str:
    """Return why bfloat16 need not be measured, or an empty string."""
    if runtime not in ("auto", "openvino"):
        return f"--runtime {runtime} does not compute in bfloat16"
    if not is_installed(SIXTEEN_BIT):
        return "OpenVINO is not installed"
    if obstacle := find_obstacle():
        return obstacle
    return "" if is_bfloat16_supported() else "bfloat16 gains nothing on this processor, which has no arithmetic for it"


def _compute_losses(
    features: Features, job: TrainingJob, rows: NDArray[np.int64], progress: Progress
) -> NDArray[np.float64]:
    """Return the out-of-fold loss of each scored row by heads on these features."""
    folds, targets = job.splits.select_rows(rows), job.targets[rows]
    predicted = predict_out_of_fold(
        features,
        targets,
        folds,
        multiclass=job.multiclass,
        raise_if_stopping=lambda: progress.raise_if_stopping(f"in the comparison of precisions of {job.member}"),
    )
    return compute_row_losses(targets[folds.scored], predicted, multiclass=job.multiclass)
