"""Fits a call of ``train_members`` to an orientation task."""

from __future__ import annotations

from dataclasses import replace

from ...competition.tables import Tables
from ...errors import BadChoice
from ...options.declared import RunOptions
from ...options.orientation import keep_orientation, list_turning_options
from ...progress import Progress
from .training_call import TrainingCall


def fit_to_task(call: TrainingCall, tables: Tables, run: RunOptions, progress: Progress) -> TrainingCall:
    """Return the call without defaults that do not fit an orientation task. They are reported.

    Raises
    ------
    BadChoice
        If the user asks for what does not fit the task.
    """
    if not tables.manifest.is_orientation:
        if any(settings.tta == "rotations" for settings, _ in call.settings_and_weights):
            raise BadChoice(
                "`--tta rotations` is for orientation tasks, in which rotations are classes: use `--tta flip`, `--tta "
                "crops` or `--tta none`."
            )
        return call
    if run.get("pseudo_labels"):
        raise BadChoice(
            "--pseudo-labels is not for an orientation task, in which any upright photo is labelled: put the photos "
            "into the folder, and repeat `ensembler adopt FOLDER --task orientation --force`."
        )
    if run.get("teacher"):
        raise BadChoice(
            "Members of an orientation task cannot learn from a stack yet (`distill`, `--teacher`): fine-tune the "
            "light member itself."
        )
    fitted = replace(call, configuration=keep_orientation(call.configuration))
    if turning := list(list_turning_options(call.options)):
        preset, _ = call.configuration.preset
        progress.note(
            f"{', '.join(turning)} of the preset {preset} would mirror or turn photos, so an orientation task "
            "does without."
        )
    if any(
        settings.frozen and settings.tta == "none" and settings.weights != "none"
        for settings, _ in fitted.settings_and_weights
    ):
        progress.note(
            "A frozen backbone that learned from mirrored photos, as those with ImageNet weights did, hardly tells 90 "
            "from 270 degrees, unless the four rotations of a photo are averaged (`--tta rotations`)."
        )
    return fitted
