"""A picture of what augmentation makes of a competition's photos; nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from ...competition.tables import Tables
from ...errors import BadChoice
from ...images.augmentation import Augmentation
from ...images.augmentation.contact_sheet import contact_sheet
from ...options.configuration import configure
from ...options.declared import TrainingOptions
from ...options.presets import Preset
from ...paths import HERE, Workspace
from ...progress import SILENT, Progress
from ...storage import whole_file
from ..competition import open_competition
from ..machine import this_machine
from .training_call import named_backbones


@dataclass(frozen=True)
class AugmentedPhotos:
    """A picture that was drawn, for which member, and by which augmentation."""

    file: Path
    member: str
    augmentation: Augmentation


def show_augmented(
    file: Path,
    members: Sequence[str],
    *,
    competition: str | None = None,
    preset: Preset | None = None,
    config: str | Path | None = None,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
    **options: Unpack[TrainingOptions],
) -> AugmentedPhotos:
    """Draw a few photos as the first of the members would be trained on them.

    Parameters
    ----------
    file
        The PNG to write.
    members, competition, preset, config, **options
        As :func:`ensembler.train_members` takes them.

    Raises
    ------
    BadChoice
        If a name or value does not fit, or the file is no ``.png``.
    UnreadablePhoto
        If a photo cannot be decoded.
    """
    if file.suffix.lower() != ".png":
        raise BadChoice(f"--show-augmented takes FILE.png. Received: {file}")
    configuration = configure(options, preset, config)
    named_backbones(configuration, members)
    member = members[0]
    _, tables = open_competition(competition, workspace, progress)
    found = configuration.in_force(this_machine().machine, member).options
    if found.get("unfreeze") == "none":
        progress.note(f"{member} stays frozen, so augmentation has an effect with --unfreeze or --phase alone.")
    _draw(file, tables, found)
    return AugmentedPhotos(file, member, found["augmentation"])


def _draw(file: Path, tables: Tables, options: TrainingOptions) -> None:
    manifest = tables.manifest
    sheet = contact_sheet(
        tables.train_paths,
        manifest.class_names or manifest.classes,
        tables.targets,
        options["image_size"],
        options["augmentation"],
        options["seed"],
    )
    with whole_file(file.absolute()) as temporary:
        sheet.save(temporary, "PNG")
