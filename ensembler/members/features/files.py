"""Names of the files of frozen features, and the search for files that no member uses."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import get_args

from ...images.views import VIEWS, View
from ...inference.runtimes import RuntimePrecision
from ...paths import CompetitionFolder
from ...serialization import compute_fingerprint
from ..records import MemberRecord
from .precision import (
    PRECISION_SUFFIX,
    build_feature_key,
    format_stem,
    locate_decision,
    read_precision,
)

# Suffix of the folder with the parts of an unfinished file.
PARTS_SUFFIX = ".parts"
_VIEWS = {view for views in VIEWS.values() for view in views}


def build_feature_path(folder: CompetitionFolder, record: MemberRecord, view: View, own: Sequence[str] = ()) -> Path:
    """Return the path of the features of a member's backbone, in the precision that was decided for them.

    Members of the same backbone and weights share them.

    Parameters
    ----------
    own
        Preprocessing and hash of the weights of a custom backbone. Empty for others.
    """
    return build_path_in_precision(folder, record, view, read_precision(folder, record, own), own)


def build_path_in_precision(
    folder: CompetitionFolder, record: MemberRecord, view: View, precision: RuntimePrecision, own: Sequence[str] = ()
) -> Path:
    """Return the path of the features in a precision; see :func:`build_feature_path`."""
    # Features in float32 keep the names that they had before there was a choice.
    key = [*build_feature_key(record, own), *([] if precision == "float32" else [precision])]
    return folder.features / f"{format_stem(record.settings)}{view}-{compute_fingerprint(key)}.npy"


def find_unused_features(
    folder: CompetitionFolder, removed: Collection[MemberRecord], remaining: Collection[MemberRecord]
) -> list[Path]:
    """Return the files, folders of parts, and decisions about precision that only removed members can have used.

    The weights of a custom backbone are known only where it is built. All files of its name and size therefore count as
    used while one of its members remains.
    """
    exact = {
        build_path_in_precision(folder, record, view, precision)
        for record in remaining
        if not record.settings.builder
        for view in _VIEWS
        for precision in get_args(RuntimePrecision)
    } | {locate_decision(folder, record) for record in remaining}
    owns = [record for record in remaining if record.settings.builder]
    return [
        path
        for path in sorted(
            path
            for suffix in (".npy", f".npy{PARTS_SUFFIX}", PRECISION_SUFFIX)
            for path in folder.features.glob(f"*{suffix}")
        )
        if any(_may_be_of(path, record) for record in removed)
        and path.with_name(path.name.removesuffix(PARTS_SUFFIX)) not in exact
        and not any(_may_be_of(path, record) for record in owns)
    ]


def _may_be_of(path: Path, record: MemberRecord) -> bool:
    """Return whether a file's name denotes features of this member's backbone and size."""
    views = "|".join(re.escape(str(view)) for view in _VIEWS)
    stem = re.escape(format_stem(record.settings))
    name = path.name.removesuffix(PARTS_SUFFIX)
    digest = "[0-9a-f]{16}"
    pattern = rf"{stem}(({views})-{digest}\.npy|-{digest}{re.escape(PRECISION_SUFFIX)})"
    return re.fullmatch(pattern, name) is not None
