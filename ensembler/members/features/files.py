"""Names of the files of frozen features, and the search for files that no member uses."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ...images.views import VIEWS, View
from ...keras_backend import DEFAULT_BACKEND
from ...paths import CompetitionFolder
from ...serialization import compute_fingerprint
from ..records import MemberRecord

# Suffix of the folder with the parts of an unfinished file.
PARTS_SUFFIX = ".parts"
_VIEWS = {view for views in VIEWS.values() for view in views}


def build_feature_path(folder: CompetitionFolder, record: MemberRecord, view: View, own: Sequence[str] = ()) -> Path:
    """Return the path of the features of a member's backbone. Members of the same backbone and weights share them.

    Parameters
    ----------
    own
        Preprocessing and hash of the weights of a custom backbone. Empty for others.
    """
    settings = record.settings
    key: list[Any] = [settings.backbone, settings.weights, settings.image_size, record.samples, settings.pooling]
    if settings.weights == "none":
        key.append(settings.seed)
    if record.backend != DEFAULT_BACKEND:
        # Backends round differently.
        key.append(record.backend)
    name = f"{settings.backbone}-{settings.image_size}{view}-{compute_fingerprint([*key, *own])}.npy"
    return folder.features / name


def find_unused_features(
    folder: CompetitionFolder, removed: Collection[MemberRecord], remaining: Collection[MemberRecord]
) -> list[Path]:
    """Return the files and folders of parts that only removed members can have used.

    The weights of a custom backbone are known only where it is built. All files of its name and size therefore count as
    used while one of its members remains.
    """
    exact = {
        build_feature_path(folder, record, view)
        for record in remaining
        if not record.settings.builder
        for view in _VIEWS
    }
    owns = [record for record in remaining if record.settings.builder]
    return [
        path
        for path in sorted([*folder.features.glob("*.npy"), *folder.features.glob(f"*.npy{PARTS_SUFFIX}")])
        if any(_may_be_of(path, record) for record in removed)
        and path.with_name(path.name.removesuffix(PARTS_SUFFIX)) not in exact
        and not any(_may_be_of(path, record) for record in owns)
    ]


def _may_be_of(path: Path, record: MemberRecord) -> bool:
    """Return whether a file's name denotes features of this member's backbone and size."""
    settings = record.settings
    views = "|".join(re.escape(str(view)) for view in _VIEWS)
    stem = re.escape(f"{settings.backbone}-{settings.image_size}")
    name = path.name.removesuffix(PARTS_SUFFIX)
    return re.fullmatch(rf"{stem}({views})-[0-9a-f]{{16}}\.npy", name) is not None
