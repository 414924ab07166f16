from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from helpers.photos import photo_bytes
from PIL import Image

from ensembler.images.turning.jpeg_tag import set_orientation
from ensembler.images.turning.tags import ORIENTATION_TAG

MAKE, DATE, EXIF_DIRECTORY = 0x010F, 0x9003, 0x8769


def jpeg_with(order="MM", tag=None, **options):
    """A JPEG with a long name of the camera and a date in its EXIF data, or without EXIF data if ``order`` is None."""
    buffer = io.BytesIO()
    photo = Image.open(io.BytesIO(photo_bytes(1, ".png")))
    exif = Image.Exif()
    exif.endian = "<" if order == "II" else ">"
    exif[MAKE] = "a camera of a long name"
    exif.get_ifd(EXIF_DIRECTORY)[DATE] = "2026:01:02 03:04:05"
    if tag:
        exif[ORIENTATION_TAG] = tag
    photo.save(buffer, "JPEG", **({"exif": exif.tobytes()} if order else {}), **options)
    return buffer.getvalue()


def read(jpeg):
    with Image.open(io.BytesIO(jpeg)) as opened:
        return np.asarray(opened), dict(opened.getexif()), opened.getexif().get_ifd(EXIF_DIRECTORY)


@pytest.mark.parametrize("order", ["II", "MM"])
@pytest.mark.parametrize("before", [None, 1, 6])
def test_only_the_tag_changes(order, before):
    jpeg = jpeg_with(order, before)
    changed = set_orientation(jpeg, 8)
    (pixels, exif, inner), (new_pixels, new_exif, new_inner) = read(jpeg), read(changed)
    assert np.array_equal(pixels, new_pixels)
    assert new_exif.pop(ORIENTATION_TAG) == 8
    exif.pop(ORIENTATION_TAG, None)
    exif.pop(EXIF_DIRECTORY), new_exif.pop(EXIF_DIRECTORY)
    assert (exif, inner) == (new_exif, new_inner)
    assert new_exif[MAKE] == "a camera of a long name"


def test_an_existing_tag_is_replaced_in_its_place():
    jpeg = jpeg_with("II", 6)
    changed = set_orientation(jpeg, 8)
    assert len(changed) == len(jpeg)
    assert sum(one != other for one, other in zip(jpeg, changed, strict=True)) == 1


def test_a_photo_without_exif_data_gets_a_segment_and_keeps_its_bytes():
    jpeg = jpeg_with(None)
    changed = set_orientation(jpeg, 3)
    assert read(changed)[1] == {ORIENTATION_TAG: 3}
    start = changed.index(b"\xff\xe1")
    length = 2 + int.from_bytes(changed[start + 2 : start + 4], "big")
    assert changed[:start] + changed[start + length :] == jpeg


@pytest.mark.parametrize(
    ("jpeg", "reason"),
    [
        (b"GIF89a", "does not start like a JPEG"),
        (jpeg_with("MM")[:40], "damaged|no marker"),
        (jpeg_with("MM").replace(b"Exif\0\0MM\0*", b"Exif\0\0MM\0?"), "do not start like a TIFF"),
        (jpeg_with("MM").replace(b"MM\0*" + struct.pack(">I", 8), b"MM\0*" + struct.pack(">I", 60000)), "damaged"),
        (b"\xff\xd8\xff\xe1\xff\xffExif\0\0II*\0\x08\0\0\0\0\0" + bytes(65519) + b"\xff\xda", "no room"),
    ],
)
def test_damaged_data_are_refused(jpeg, reason):
    with pytest.raises(ValueError, match=reason):
        set_orientation(jpeg, 3)
