"""Where frozen features lie: a file for each view, named after all that they depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..images.views import View
from ..storage import CompetitionFolder, fingerprint
from .settings import MemberSettings


def feature_file(
    folder: CompetitionFolder, settings: MemberSettings, samples: str, view: View, digest: str = ""
) -> Path:
    """Name the file of the features of all photos in one view, whether or not it is there.

    Parameters
    ----------
    samples
        Hash of the photos.
    digest
        Of the weights of a backbone of a person's own; else empty.
    """
    key: list[Any] = [settings.backbone, settings.weights, settings.image_size, samples, settings.pooling]
    if settings.weights == "none":
        key.append(settings.seed)
    if digest:
        key += [settings.preprocessing, digest]
    return folder.features / f"{settings.backbone}-{settings.image_size}{view}-{fingerprint(key)}.npy"
