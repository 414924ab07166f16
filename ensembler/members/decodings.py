"""How many times training decodes photos, unless they lie decoded in a store."""

from __future__ import annotations

from ..competition.folds.folds import Folds
from ..competition.tables import Tables
from ..images.photo_source import can_fit_in_memory
from ..images.views import WHOLE_VIEW
from ..paths import CompetitionFolder
from .features.files import build_feature_path
from .records import MemberRecord


def count_decodings(folder: CompetitionFolder, record: MemberRecord, tables: Tables, folds: Folds) -> int:
    """Count the photos that the unfinished folds of a member decode, each as often as it is decoded.

    Frozen features look at all photos once, if they are not there yet. Fine-tuning looks at those it learns from in
    each epoch, but decodes them once if they fit into memory; at those it holds out after each epoch, and in the end at
    these and at those to predict.
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
    learning = learned * (1 if can_fit_in_memory(learned, settings.image_size) else epochs)
    return features + unfinished * (learning + epochs * held_out + held_out + test)
