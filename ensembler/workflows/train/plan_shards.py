"""Divides the computation of frozen features into shards of photos, so that several machines or GPUs share it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...engines.job import Job
from ...images.views import View
from ...members.features.files import build_feature_path
from ...members.features.parts import FeatureParts
from ...members.features.shards import FeatureShard, divide_rows
from ...members.features.views import list_feature_views
from ...members.job_files import list_shard_files
from ...members.memory import estimate_memory
from ...members.work import count_shards, estimate_photo_work
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import convert_to_plain
from .plan_jobs import MemberPlan

COMPUTE_SHARD = "ensembler.members.features.jobs.compute:compute_shard"


@dataclass(frozen=True)
class _MissingFeatures:
    """Features that jobs of a member need, and that no earlier member of the call computes.

    Attributes
    ----------
    paths
        Complete file of each missing view.
    known
        Boolean array of shape (photos,) that is True for photos of which all these views are known.
    work
        Work of all unknown photos.
    """

    plan: MemberPlan
    paths: Mapping[View, Path]
    known: NDArray[np.bool_]

    @property
    def photo_work(self) -> float:
        backbone = self.plan.job.backbone
        return len(self.paths) * estimate_photo_work(backbone, self.plan.record.settings.image_size)

    @property
    def work(self) -> float:
        return float((~self.known).sum()) * self.photo_work


def shard_features(
    folder: CompetitionFolder,
    plans: Sequence[MemberPlan],
    jobs: Sequence[Sequence[Job]],
    photos: int,
    slots: int,
    progress: Progress,
    *,
    on_gpu: bool,
) -> list[Job]:
    """Return all jobs, with features in jobs of their own where several slots compute them sooner.

    Jobs that need features come after their shards. The features of a frozen member that need one shard only remain
    part of its job. A custom backbone is not divided, because the names of its features depend on weights that only a
    job can load.

    Parameters
    ----------
    jobs
        Jobs of each plan.
    photos
        Number of labelled photos and photos to predict.
    slots
        Number of jobs that run at a time.
    progress
        Receives warnings about damaged parts of features.
    on_gpu
        Whether each job has a GPU.
    """
    if slots == 1:
        return [job for each in jobs for job in each]
    missing = list(_find_missing_features(folder, plans, jobs, photos, progress))
    pairs = list(zip(plans, jobs, strict=True))
    # Work that need not wait for features.
    ready = sum(
        job.work
        for plan, each in pairs
        if not (plan.record.settings.frozen or _list_missing_views(folder, plan))
        for job in each
    )
    total = ready + sum(features.work for features in missing)
    shards: list[Job] = []
    makers: dict[Path, tuple[str, ...]] = {}
    for features in missing:
        users = sum(len(each) for plan, each in pairs if _uses(folder, plan, features))
        count = count_shards(features.work, total, slots, on_gpu=on_gpu)
        if count > 1 or (users > 1 and count):
            made = list(_build_shards(features, count))
            shards += made
            makers |= dict.fromkeys(features.paths.values(), tuple(job.name for job in made))
    return [*shards, *(job for plan, each in pairs for job in _let_wait(folder, plan, each, makers))]


def _find_missing_features(
    folder: CompetitionFolder,
    plans: Sequence[MemberPlan],
    jobs: Sequence[Sequence[Job]],
    photos: int,
    progress: Progress,
) -> Iterator[_MissingFeatures]:
    found: set[Path] = set()
    for plan, each in zip(plans, jobs, strict=True):
        paths = _list_missing_views(folder, plan) if each else {}
        paths = {view: path for view, path in paths.items() if path not in found}
        if paths:
            found |= set(paths.values())
            known = np.all([FeatureParts(path, photos, progress).known for path in paths.values()], axis=0)
            yield _MissingFeatures(plan, paths, known)


def _uses(folder: CompetitionFolder, plan: MemberPlan, features: _MissingFeatures) -> bool:
    return not set(_list_missing_views(folder, plan).values()).isdisjoint(features.paths.values())


def _list_missing_views(folder: CompetitionFolder, plan: MemberPlan) -> dict[View, Path]:
    """Return the missing file of each view that a member needs."""
    if plan.job.backbone.is_custom:
        return {}
    paths = {view: build_feature_path(folder, plan.record, view) for view in list_feature_views(plan.record.settings)}
    return {view: path for view, path in paths.items() if not path.is_file()}


def _build_shards(features: _MissingFeatures, count: int) -> Iterator[Job]:
    plan = features.plan
    job, name = replace(plan.job, folds=(), allotments={}), plan.record.name
    settings = plan.record.settings
    memory = estimate_memory(settings, job.backbone, 0, on_gpu=bool(plan.needs.gpus), tuned=False)
    shards = divide_rows(features.known, settings.batch_size, count)
    for number, rows in enumerate(shards, 1):
        spec = convert_to_plain(FeatureShard(job, tuple(features.paths), rows.start, rows.stop))
        unknown = int((~features.known[rows.start : rows.stop]).sum())
        seconds = plan.start_seconds + plan.feature_seconds * unknown / len(features.known)
        title = f"{name}-features-{number}-of-{len(shards)}"
        files = partial(list_shard_files, job, rows)
        yield Job(
            title,
            COMPUTE_SHARD,
            spec,
            name,
            work=unknown * features.photo_work,
            shares_process=True,
            needs=replace(plan.needs, memory_bytes=memory),
            seconds=seconds if plan.feature_seconds else None,
            files=files,
        )


def _let_wait(
    folder: CompetitionFolder, plan: MemberPlan, jobs: Sequence[Job], makers: Mapping[Path, tuple[str, ...]]
) -> Iterator[Job]:
    """Yield the jobs of a member, which come after the shards of its features."""
    paths = _list_missing_views(folder, plan).values()
    after = tuple(dict.fromkeys(name for path in paths for name in makers.get(path, ())))
    for job in jobs:
        seconds = job.seconds
        if seconds is not None and after and job is jobs[0]:
            seconds -= plan.feature_seconds
        # Of a frozen member, only the heads remain, whose work is small and unknown.
        work = 0.0 if after and plan.record.settings.frozen else job.work
        yield replace(job, after=(*job.after, *after), work=work, seconds=seconds)
