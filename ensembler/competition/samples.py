"""The hash of all inputs of a result, except folds and settings."""

from __future__ import annotations

from ..paths import CompetitionFolder
from ..serialization import compute_fingerprint
from ..storage import compute_file_digest
from .manifest import Manifest
from .pixels import PLAIN

# Version of the decoding in :mod:`ensembler.images.decoding`. Version 2 decodes large JPEGs at a smaller scale.
PIXELS_VERSION = 2
# Version of the decoding where the competition has a rule of pixels, which earlier versions ignored.
RULED_PIXELS_VERSION = 3


def compute_samples_fingerprint(folder: CompetitionFolder, manifest: Manifest) -> str:
    """Return the hash of all inputs of a member's predictions, except its settings and the folds."""
    tables = [compute_file_digest(folder.train), compute_file_digest(folder.test)]
    rule = manifest.pixels
    decoding = [PIXELS_VERSION] if rule == PLAIN else [RULED_PIXELS_VERSION, rule.keys]
    return compute_fingerprint([*tables, manifest.outputs, manifest.task, *decoding])
