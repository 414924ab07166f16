"""The number of photos that training decodes without a store of decoded photos."""

from __future__ import annotations

from ..competition.folds.folds import Folds
from ..competition.tables import Tables
from ..images.photo_source import can_fit_in_memory
from ..images.views import WHOLE_VIEW
from ..paths import CompetitionFolder
from .features.files import build_feature_path
from .records import MemberRecord


def count_decodings(folder: CompetitionFolder, record: MemberRecord, tables: Tables, folds: Folds) -> int:
    """Count the decodings of photos by the unfinished folds of a member.

    Missing frozen features decode all photos once. Fine-tuning decodes the training photos in each epoch, or once if
    they fit into memory, the held-out photos after each epoch, and finally the held-out photos and those to predict.
    """
    settings = record.settings
    unfinished = len(record.list_unfinished_folds(folder))
    if not unfinished:
        return 0
    held_out, test = folds.held_out_count, len(tables.test_paths)
    learned = len(tables.train_paths) - held_out
    featured = settings.frozen or settings.head == "fitted"
    features = (
        len(tables.train_paths) + test
        if featured and not build_feature_path(folder, record, WHOLE_VIEW).is_file()
        else 0
    )
    if settings.frozen:
        return features
    epochs = sum(phase.epochs for phase in settings.phases)
    photos = learned // tables.rows_per_photo
    learning = photos * (1 if can_fit_in_memory(photos, settings.image_size) else epochs)
    return features + unfinished * (learning + epochs * held_out + held_out + test)
