"""The files that the jobs of a survey read and write, for machines without a shared folder."""

from __future__ import annotations

from collections.abc import Sequence
from glob import escape

from ..backbones.weight_files import BuiltNetwork, list_weight_files
from ..competition.folds.file import load_folds
from ..competition.folds.stratified_order import order_photos
from ..competition.tables import load_tables
from ..job_files import JobFiles
from ..members.features.files import PARTS_SUFFIX
from ..members.job_files import list_speed_files, list_table_files
from ..paths import CompetitionFolder
from .candidates import Candidate
from .survey_job import locate_current_backbone


def list_survey_files(
    folder: CompetitionFolder, candidates: Sequence[Candidate], photos: int, seed: int, pixels: str = ""
) -> JobFiles:
    """List the files of the comparison of backbones.

    Parameters
    ----------
    photos
        Number of labelled photos of the last rung.
    seed
        Seed of their order.
    pixels
        Folder of decoded photos that the jobs fill together. Empty if there is none.
    """
    tables = load_tables(folder)
    rows = order_photos(tables, load_folds(folder, tables), seed)[:photos]
    features = [each.locate_features(folder) for each in candidates]
    places = tuple(str(place) for path in features for place in (path.with_name(path.name + PARTS_SUFFIX), path))
    # Decoded photos lie in folders beside these files.
    survey = (str(locate_current_backbone(folder)), f"{escape(str(folder.survey))}/*.npz")
    return list_speed_files().join(
        list_table_files(folder),
        JobFiles(
            reads=(*survey, *places),
            writes=(*survey, *places),
            shared=(pixels,) if pixels else (),
            photos=tuple(str(tables.train_paths[row]) for row in sorted(rows)),
        ),
        list_weight_files([BuiltNetwork(each.backbone, each.image_size, each.weights) for each in candidates]),
    )
