"""The layout of an orientation task: any folder of upright photos."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

from ...errors import BadChoice
from ..layout.evidence import Evidence
from ..layout.groups import parse_groups
from ..layout.hints import Hints
from ..layout.layout import choose_metric
from ..manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ..photo_files import PhotoFiles, find_common_folder
from ..sets.leaving_out import leave_out_others
from ..sets.photo_sets import list_test_folders
from ..task import ROTATIONS

# Name of the task as a hint.
ORIENTATION = "orientation"
# Hints that do not speak of labels.
_FITTING = ("task", "metric", "groups", "leave_out")


def check_task(hints: Hints) -> bool:
    """Return whether the hints ask for an orientation task.

    Raises
    ------
    BadChoice
        If they name another task, or a hint about labels, which an orientation task does not have.
    """
    if hints.task is None:
        return False
    if hints.task != ORIENTATION:
        raise BadChoice(
            f"The task must be `--task {ORIENTATION}`, or be left out to learn classes. Received: {hints.task}"
        )
    given = [field.name for field in fields(Hints) if getattr(hints, field.name) != field.default]
    if unfit := [f"--{name.replace('_', '-')}" for name in given if name not in _FITTING]:
        raise BadChoice(
            f"{', '.join(unfit)} cannot be used with `--task {ORIENTATION}`, whose labels are the rotations of the "
            "photos: leave it out."
        )
    return True


def find_orientation_layout(photos: PhotoFiles, name: str, hints: Hints, sample: Path, evidence: Evidence) -> Manifest:
    """Return the manifest of an orientation task. Its photos are upright, so all of them are labelled.

    The photos of folders named test are those to predict. Without such folders, photos are held out. The sample
    submission, which asks for the four rotations of each of them, will be written to ``sample``.
    """
    photos, left_out = leave_out_others(photos, hints.leave_out, evidence)
    tests = list_test_folders(photos, evidence)
    learned = photos.exclude(frozenset(photos.select_inside_any(tests).paths)) if tests else photos
    if not learned.paths:
        tests, learned = [], photos
    train = TrainLayout(find_common_folder(learned.paths), "rotations")
    if hints.groups and (groups := parse_groups(hints.groups, learned)):
        train = replace(train, groups=groups.file, group_id_column=groups.id_column, group_column=groups.column)
    first, *others = tests or [train.folder]
    rule = "each photo counts as upright, and its four rotations are the classes"
    evidence.add_finding("task", "the orientation of photos", rule=f"chosen with --task {ORIENTATION}")
    evidence.add_finding("labels", "rotations of photos", train.folder, rule, learned.paths[:3])
    return Manifest(
        name=name,
        slug="",
        task="multiclass",
        classes=ROTATIONS,
        photos=str(photos.root),
        train=train,
        test=TestLayout(first, tuple(others)),
        answer=AnswerLayout(str(sample), "id", ROTATIONS, "probabilities"),
        metric=choose_metric("multiclass", "probabilities", hints.metric, [], evidence).name,
        leave_out=left_out,
    )
