"""The views of photos whose frozen features a member needs."""

from __future__ import annotations

from ...images.views import MIRRORED_VIEW, VIEWS, WHOLE_VIEW, View
from ...options.settings import MemberSettings


def list_head_views(settings: MemberSettings) -> tuple[View, ...]:
    """Return the views of a photo on which a head is fitted."""
    return (WHOLE_VIEW, MIRRORED_VIEW) if settings.flips else (WHOLE_VIEW,)


def list_feature_views(settings: MemberSettings) -> tuple[View, ...]:
    """Return all views of a photo whose features a member needs. A random head needs none."""
    if settings.frozen:
        return tuple(dict.fromkeys([*list_head_views(settings), *VIEWS[settings.tta]]))
    return list_head_views(settings) if settings.head == "fitted" else ()
