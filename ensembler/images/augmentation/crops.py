"""A photo in one of the views that prediction averages over."""

from __future__ import annotations

from PIL import Image, ImageOps

from ..views import View


def apply_view(photo: Image.Image, view: View) -> Image.Image:
    """Cut a square photo to the view's corner, resize that to the photo's size, then mirror it."""
    if view.corner is not None:
        # Cut first: resizing with a box would let pixels from beyond the cut in.
        cut = photo.crop(view.compute_box(photo.width))
        photo = cut.resize(photo.size, Image.Resampling.BILINEAR)
    return ImageOps.mirror(photo) if view.mirrored else photo
