"""The files that jobs of members read and write, for machines without a shared folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from glob import escape
from pathlib import Path

from ..backbones.weight_files import BuiltNetwork, list_weight_files
from ..competition.tables import load_tables
from ..images.cache_policy import compute_store_bytes, select_sample
from ..images.photo_store import PHOTOS_PER_FILE, PhotoStore
from ..inference.speeds import locate_speeds
from ..job_files import JobFiles
from ..options.corrections import CORRECTIONS_FILE
from ..options.distillation import TEACHER_FILE
from ..paths import CompetitionFolder, locate_user_cache
from .distillation.teaching_job import TeachingJob
from .features.files import PARTS_SUFFIX, build_feature_path
from .features.parts import open_features
from .features.precision import locate_decision
from .features.views import list_feature_views
from .records import MemberRecord
from .training_job import TrainingJob


def list_table_files(folder: CompetitionFolder) -> JobFiles:
    """List the tables of a competition, which most jobs read, and the folder of locks."""
    tables = (folder.manifest, folder.train, folder.test, folder.folds)
    return JobFiles(reads=tuple(map(str, tables)), shared=(str(folder.lock("any").parent),))


def list_speed_files() -> JobFiles:
    """List the cache of speeds, which a job reads and adds to."""
    place = str(locate_speeds().absolute())
    # The user of another machine may have another home folder.
    base = str(locate_user_cache().absolute().parent)
    return JobFiles(reads=(place,), writes=(place,), environment={"XDG_CACHE_HOME": base})


def list_training_files(job: TrainingJob) -> JobFiles:
    """List the files of the training of some folds."""
    folder, member = job.folder, job.member
    own = [folder.fold(member, fold) for fold in job.folds]
    everywhere = escape(str(folder.member(member)))
    logs = [folder.tensorboard(member, fold) for fold in job.folds if job.tensorboard]
    reads = (
        *(folder.member(member) / name for name in ("member.json", CORRECTIONS_FILE, "backbone.keras", "speed.json")),
        # Other folds: their checksums, and the numbers of epochs for the network of all photos.
        *(f"{everywhere}/*/{name}" for name in ("fold.json", "history.csv")),
        *own,
        *logs,
    )
    # What marks a fold as finished comes last.
    writes = (*logs, folder.backbone(member), *own, folder.speed(member), *(place / "fold.json" for place in own))
    return list_speed_files().join(
        list_table_files(folder),
        list_feature_files(job),
        JobFiles(reads=tuple(map(str, reads)), writes=tuple(map(str, writes))),
        list_network_sources(job),
        _list_training_photos(job),
    )


def _list_training_photos(job: TrainingJob) -> JobFiles:
    """List the photos of a training. Heads on known features need a few, by which a store of photos is judged."""
    record = job.record
    if record.settings.frozen and _knows_features(job):
        return JobFiles(photos=tuple(select_sample(list_all_photos(job.folder))))
    return list_photo_files(job.folder, record.samples, record.settings.image_size, job.cache_limit)


def _knows_features(job: TrainingJob) -> bool:
    """Return whether all frozen features are stored, whole or in parts. Those of a custom backbone are unknown here."""
    views, photos = list_feature_views(job.record.settings), len(list_all_photos(job.folder))
    paths = [build_feature_path(job.folder, job.record, view) for view in views]
    return not job.backbone.is_custom and all(open_features(path, photos).known.all() for path in paths)


def list_teaching_files(teaching: TeachingJob) -> JobFiles:
    """List the files of the predictions of a teacher."""
    folder, lists = teaching.folder, [list_table_files(teaching.folder), list_speed_files()]
    for member in teaching.members:
        place, job = escape(str(folder.member(member))), TrainingJob(folder, member, (), "")
        of_folds = (f"*/{name}" for name in ("fold.json", "history.csv", "predictions.npz", "model.keras"))
        names = ("member.json", CORRECTIONS_FILE, "backbone.keras", *of_folds)
        lists += [
            JobFiles(reads=tuple(f"{place}/{name}" for name in names)),
            list_feature_files(job),
            _list_training_photos(job),
        ]
    told = [str(folder.fold(name, fold) / TEACHER_FILE) for name in teaching.students for fold in teaching.folds]
    return JobFiles(reads=(str(folder.duplicates), *told), writes=tuple(told)).join(*lists)


def list_shard_files(job: TrainingJob, rows: range) -> JobFiles:
    """List the files of the computation of features of some rows."""
    folder, record = job.folder, job.record
    reads = (
        folder.member(job.member) / "member.json",
        folder.member(job.member) / CORRECTIONS_FILE,
        folder.backbone(job.member),
        f"{escape(str(folder.member(job.member)))}/*/fold.json",
    )
    return list_speed_files().join(
        list_table_files(folder),
        list_feature_files(job),
        JobFiles(reads=tuple(map(str, reads))),
        list_network_sources(job),
        list_photo_files(folder, record.samples, record.settings.image_size, job.cache_limit, rows),
    )


def list_network_sources(job: TrainingJob) -> JobFiles:
    """List the files from which the member's network is built."""
    return list_weight_files([BuiltNetwork(job.backbone, job.record.settings.image_size, job.weights)])


def list_feature_files(job: TrainingJob) -> JobFiles:
    """List the frozen features that a member needs, whole and in parts."""
    folder, record = job.folder, job.record
    views = list_feature_views(record.settings)
    if not views:
        return JobFiles()
    if job.backbone.is_custom:
        # The names depend on the weights, which only a job can load.
        stem = escape(f"{record.settings.backbone}-{record.settings.image_size}")
        return JobFiles(reads=(f"{escape(str(folder.features))}/{stem}*",), writes=(str(folder.features),))
    paths = [build_feature_path(folder, record, view) for view in views]
    places = [place for path in paths for place in (path.with_name(path.name + PARTS_SUFFIX), path)]
    named = tuple(map(str, [*places, locate_decision(folder, record)]))
    return JobFiles(reads=named, writes=named)


def list_photo_files(
    folder: CompetitionFolder, samples: str, size: int, cache_limit: int | None, rows: range | None = None
) -> JobFiles:
    """List the decoded photos if all of them are stored and fit the limit, and otherwise the photos.

    Parameters
    ----------
    samples
        Hash of the photos.
    size
        Height and width in pixels.
    rows
        Rows that the job reads. None means all.
    """
    photos = list_all_photos(folder)
    store, stores = folder.pixels / samples / str(size), str(folder.pixels)
    limit = float("inf") if cache_limit is None else cache_limit
    is_stored = PhotoStore(store.parent, list(map(Path, photos))).count_missing(size) == 0
    if is_stored and compute_store_bytes(len(photos), size) <= limit:
        return JobFiles(reads=(str(store),))
    if rows is None:
        return JobFiles(photos=photos, shared=(stores,))
    # Whole files of photos are decoded, and a sample shows how long that takes.
    first = rows.start // PHOTOS_PER_FILE * PHOTOS_PER_FILE
    last = -(-rows.stop // PHOTOS_PER_FILE) * PHOTOS_PER_FILE
    return JobFiles(photos=tuple(dict.fromkeys([*photos[first:last], *select_sample(photos)])), shared=(stores,))


def list_all_photos(folder: CompetitionFolder) -> tuple[str, ...]:
    """Return the paths of the labelled photos and of the readable photos to predict."""
    times = tuple(path.stat().st_mtime_ns for path in (folder.manifest, folder.train, folder.test))
    return _list_all_photos(folder.root, times)


@lru_cache(maxsize=4)
def _list_all_photos(root: Path, _times: Sequence[int]) -> tuple[str, ...]:
    tables = load_tables(CompetitionFolder(root))
    return tuple(str(path) for path in (*tables.train_paths, *tables.test_paths))


def list_measured_files(folder: CompetitionFolder, record: MemberRecord) -> JobFiles:
    """List the files of the measurement of a trained member."""
    reads = [folder.member(record.name) / "member.json", folder.backbone(record.name)]
    finished = [fold for fold in range(record.folds_count) if record.is_finished(folder, fold)]
    # The first finished fold is measured.
    for fold in finished[:1]:
        reads += [folder.fold(record.name, fold) / name for name in ("fold.json", "head.keras", "model.keras")]
    return JobFiles(reads=tuple(map(str, reads)), writes=(str(folder.speed(record.name)),))
