"""Expected durations of jobs, from speeds that an earlier call measured on this machine. No network is run for them."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...inference.speeds import locate_speed, read_speed
from ...members.budget.costs import price_features, price_member, scale_speed
from ...members.features.files import build_feature_path
from ...members.features.views import list_feature_views
from ...members.records import MemberRecord
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from .plan_jobs import MemberPlan
from .training_call import TrainingCall


def locate_training_speed(call: TrainingCall, settings: MemberSettings) -> Path:
    """Return the file of a member's speed on this machine, with the call's number of simultaneous jobs."""
    names = ("backbone", "builder", "preprocessing", "weights", "pooling", "hidden", "head", "augmentation", "ema")
    phases = [[phase.unfreeze, phase.batch_norm] for phase in settings.phases]
    network = [*(getattr(settings, name) for name in names), phases]
    gpus = () if call.options["data_parallel"] else call.machine.gpus
    device = [platform.machine(), os.cpu_count(), gpus, call.slots, call.options["data_parallel"]]
    return locate_speed(network, settings.image_size, settings.batch_size, settings.precision, device)


def count_missing_views(folder: CompetitionFolder, record: MemberRecord) -> int:
    """Return the number of views whose frozen features are needed and not cached."""
    views = list_feature_views(record.settings)
    return sum(not build_feature_path(folder, record, view).is_file() for view in views)


def add_expected_seconds(
    call: TrainingCall, folder: CompetitionFolder, tables: Tables, folds: Folds, plans: Sequence[MemberPlan]
) -> Iterator[MemberPlan]:
    """Add expected durations to the plans of members whose speed is known."""
    test = len(tables.test_paths)
    for number, plan in enumerate(plans):
        asked, settings = call.settings_and_weights[number][0], plan.record.settings
        known = read_speed(locate_training_speed(call, asked))
        unfinished = plan.record.list_unfinished_folds(folder)
        if known is None or known.training is None or not unfinished:
            yield plan
            continue
        speed = scale_speed(known.training, asked.image_size, settings.image_size)
        views = count_missing_views(folder, plan.record)
        jobs = price_member(
            number,
            settings,
            speed,
            folds,
            test,
            unfinished,
            missing_views=views,
            shares_process=plan.tiny,
        )
        seconds = {cost.fold: cost.estimate_seconds(plan.job.share) for job in jobs for cost in job}
        features = price_features(speed, len(folds.labels) + test, views)
        yield replace(plan, seconds=seconds, feature_seconds=features, start_seconds=speed.start_up + speed.build)
