"""What results rest on beside folds and settings, as one hash."""

from __future__ import annotations

from ..storage import CompetitionFolder, file_digest, fingerprint
from .manifest import Manifest


def samples_fingerprint(folder: CompetitionFolder, manifest: Manifest) -> str:
    """Hash of everything that a member's predictions rest on but its settings and the folds."""
    return fingerprint([file_digest(folder.train), file_digest(folder.test), manifest.outputs, manifest.task])
