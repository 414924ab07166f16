"""How many times training decodes photos, unless they lie decoded in a store."""

from __future__ import annotations

from ..competition.folds.folds import Folds
from ..competition.tables import Tables
from ..images.photo_source import in_memory
from ..images.views import WHOLE
from ..paths import CompetitionFolder
from .features.files import feature_file
from .records import MemberRecord


def photo_decodings(folder: CompetitionFolder, record: MemberRecord, tables: Tables, folds: Folds) -> int:
    """Count the photos that the unfinished folds of a member decode, each as often as it is decoded.

    Frozen features look at all photos once, if they are not there yet. Fine-tuning looks at those it learns from in
    each epoch, but decodes them once if they fit into memory; at those it holds out after each epoch, and in the end at
    these and at those to predict.
    """
    settings = record.settings
    unfinished = len(record.unfinished(folder))
    if not unfinished:
        return 0
    held_out, test = folds.typical, len(tables.test_paths)
    learned = len(tables.train_paths) - held_out
    featured = settings.frozen or settings.head == "fitted"
    features = len(tables.train_paths) + test if featured and not feature_file(folder, record, WHOLE).is_file() else 0
    if settings.frozen:
        return features
    epochs = sum(phase.epochs for phase in settings.phases)
    learning = learned * (1 if in_memory(learned, settings.image_size) else epochs)
    return features + unfinished * (learning + epochs * held_out + held_out + test)
