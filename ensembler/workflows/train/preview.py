"""Draws augmented photos of a competition, without training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from ...backbones.names import resolve_member
from ...competition.tables import Tables
from ...errors import BadChoice
from ...images.augmentation import Augmentation
from ...images.augmentation.contact_sheet import draw_contact_sheet
from ...images.row_photos import RowPhotos
from ...options.arguments import Names, check_arguments
from ...options.configuration import configure
from ...options.declared import Preset, TrainingOptions
from ...options.orientation import keep_orientation
from ...options.reading import OPTIONS, show_options
from ...paths import DEFAULT_WORKSPACE, CompetitionLike, PathLike, Workspace, WorkspaceLike
from ...progress import SILENT, Progress
from ...storage import write_file_atomically
from ..fetch.tables import open_refreshed_competition
from ..machine import detect_machine
from .training_call import find_backbones


@dataclass(frozen=True)
class AugmentedPhotos:
    """A picture of augmented photos, with the member and its augmentation."""

    file: Path
    member: str
    augmentation: Augmentation


@show_options(OPTIONS)
@check_arguments
def show_augmented(
    file: PathLike,
    members: Names,
    *,
    competition: CompetitionLike | None = None,
    preset: Preset | None = None,
    config: PathLike | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
    **options: Unpack[TrainingOptions],
) -> AugmentedPhotos:
    """Draw a few photos as the training of the first member would augment them.

    Parameters
    ----------
    file
        Path of the PNG.
    members, competition, preset, config, **options
        Arguments of :func:`ensembler.train_members`.

    Raises
    ------
    BadChoice
        If a name or value is invalid, or the file is not a ``.png``.
    UnreadablePhoto
        If a photo cannot be decoded.

    Examples
    --------
    >>> drawn = ensembler.show_augmented("crops.png", ["demo-conv"], augmentation="crops", competition="pets")
    >>> drawn.file.stat().st_size > 0
    True
    """
    file = Path(file)
    if file.suffix.lower() != ".png":
        raise BadChoice(f"--show-augmented writes a PNG, so the file must end in .png. Received: {file}")
    configuration = configure(options, preset, config)
    find_backbones(configuration, members)
    member = resolve_member(members[0], configuration.backbones)
    _, tables = open_refreshed_competition(competition, Workspace.read(workspace), progress)
    if tables.manifest.is_orientation:
        configuration = keep_orientation(configuration)
    member_options = configuration.resolve_options(detect_machine().machine, member).options
    if member_options.get("unfreeze") == "none":
        progress.note(
            f"{member} stays frozen, so its training does not augment photos: --unfreeze or --phase changes that."
        )
    if member_options.get("exclude") or member_options.get("relabel"):
        progress.note("Photos are drawn as they are: --exclude and --relabel only change what is learned.")
    _draw_sheet(file, tables, member_options)
    return AugmentedPhotos(file, member, member_options["augmentation"])


def _draw_sheet(file: Path, tables: Tables, options: TrainingOptions) -> None:
    manifest = tables.manifest
    sheet = draw_contact_sheet(
        RowPhotos.list_rows(tables.train_paths, tables.train_turns),
        manifest.class_names or manifest.classes,
        tables.targets,
        options["image_size"],
        options["augmentation"],
        options["seed"],
        rule=manifest.pixels,
        versions=tables.rows_per_photo,
    )
    with write_file_atomically(file.absolute()) as temporary:
        sheet.save(temporary, "PNG")
