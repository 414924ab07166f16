from __future__ import annotations

import numpy as np
import pytest
from helpers.photos import pixels, write_png_16
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin

from ensembler.images.turning.tags import ORIENTATION_TAG
from ensembler.images.turning.turned_files import CannotTurn, turn_photo

PIXELS = pixels(3, (48, 32))
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def shown(path):
    with Image.open(path) as opened:
        return np.asarray(ImageOps.exif_transpose(opened).convert("RGB")).astype(int)


def save(path, photo=None, tag=None, **options):
    photo = Image.fromarray(PIXELS) if photo is None else photo
    if tag:
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = tag
        options["exif"] = exif.tobytes()
    photo.save(path, **options)
    return path


@pytest.mark.parametrize("tag", [None, 1, 6, 7])
@pytest.mark.parametrize("angle", [90, 180, 270])
@pytest.mark.parametrize("by_tag", [False, True])
def test_a_jpeg_is_shown_turned_clockwise(tmp_path, tag, angle, by_tag):
    source = save(tmp_path / "a.jpg", tag=tag, quality=92, subsampling=0)
    before = source.read_bytes()
    assert turn_photo(source, tmp_path / "out" / "b.jpg", angle, by_tag=by_tag) is by_tag
    difference = np.abs(shown(tmp_path / "out" / "b.jpg") - np.rot90(shown(source), -angle // 90))
    assert difference.max() <= (0 if by_tag else 12)
    assert source.read_bytes() == before


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_jpeg_keeps_its_tables_profile_and_metadata(tmp_path, subsampling):
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    exif[0x010F] = "a camera"
    exif.get_ifd(0x8769).update({0xA002: 48, 0xA003: 32})
    options = {"subsampling": subsampling, "progressive": True, "icc_profile": PROFILE, "dpi": (300, 300)}
    source = save(tmp_path / "a.jpg", quality=61, exif=exif.tobytes(), comment="by hand", **options)
    turn_photo(source, tmp_path / "b.jpg", 180, by_tag=False)
    with Image.open(source) as old, Image.open(tmp_path / "b.jpg") as new:
        assert new.quantization == old.quantization
        assert JpegImagePlugin.get_sampling(new) == JpegImagePlugin.get_sampling(old) == subsampling
        assert new.size == (32, 48)
        for name in ("icc_profile", "dpi", "comment", "progressive"):
            assert new.info[name] == old.info[name], name
        assert new.getexif()[0x010F] == "a camera"
        assert new.getexif()[ORIENTATION_TAG] == 1
        # Tag 6 turns the stored 48 x 32 pixels to 32 x 48.
        assert new.getexif().get_ifd(0x8769) == {0xA002: 32, 0xA003: 48}


def test_a_grey_jpeg_stays_grey(tmp_path):
    source = save(tmp_path / "a.jpg", Image.fromarray(PIXELS).convert("L"))
    turn_photo(source, tmp_path / "b.jpg", 90, by_tag=False)
    with Image.open(tmp_path / "b.jpg") as turned:
        assert turned.mode == "L"


LOSSLESS = {
    "png": (Image.fromarray(PIXELS), {"icc_profile": PROFILE}),
    "png palette": (Image.fromarray(PIXELS).quantize(16), {"transparency": 3}),
    "png 16 bits": (Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 200), {}),
    "png alpha": (Image.fromarray(np.dstack([PIXELS, PIXELS[..., 0]])), {}),
    "bmp": (Image.fromarray(PIXELS), {}),
    "gif": (Image.fromarray(PIXELS).quantize(32), {}),
    "tif": (Image.fromarray(PIXELS), {"compression": "tiff_lzw", "tag": 6}),
    "tif jpeg": (Image.fromarray(PIXELS), {"compression": "jpeg"}),
    "webp": (Image.fromarray(PIXELS), {"quality": 50, "tag": 3}),
    "jp2": (Image.fromarray(PIXELS), {}),
    "ppm": (Image.fromarray(PIXELS), {}),
}


@pytest.mark.parametrize("kind", LOSSLESS)
def test_other_formats_are_turned_without_loss(tmp_path, kind):
    photo, options = LOSSLESS[kind]
    suffix = kind.split()[0]
    source = save(tmp_path / f"a.{suffix}", photo, **options)
    assert not turn_photo(source, tmp_path / f"b.{suffix}", 90, by_tag=True)
    with Image.open(source) as old, Image.open(tmp_path / f"b.{suffix}") as new:
        expected, found = ImageOps.exif_transpose(old), ImageOps.exif_transpose(new)
        assert found.format is None or new.format == old.format
        for mode in ("RGBA", *([] if old.mode != "I;16" else ["I"])):
            assert np.array_equal(np.rot90(np.asarray(expected.convert(mode)), -1), np.asarray(found.convert(mode)))
        assert new.mode == old.mode
        assert new.info.get("icc_profile") == old.info.get("icc_profile")


def frames(path, **options):
    photo = Image.fromarray(PIXELS)
    photo.save(path, save_all=True, append_images=[photo.rotate(90)], **options)
    return path


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("a.gif", frames, "holds 2 pictures"),
        ("a.png", frames, "holds 2 pictures"),
        ("a.tif", frames, "holds 2 pictures"),
        ("a.mpo", frames, "holds 2 pictures.*exif=True turns all"),
        (
            "a.png",
            lambda path: write_png_16(path, PIXELS.astype(np.uint16) * 200),
            "more than 8 bits in several channels",
        ),
        ("a.tga", save, "TGA is not written here without loss"),
    ],
)
def test_what_would_lose_something_is_refused(tmp_path, name, make, reason):
    source = make(tmp_path / name)
    to = tmp_path / "out" / name
    with pytest.raises(CannotTurn, match=reason):
        turn_photo(source, to, 90, by_tag=False)
    assert not to.exists()


def test_a_jpeg_of_several_pictures_is_turned_by_its_tag(tmp_path):
    source = frames(tmp_path / "a.mpo")
    assert turn_photo(source, tmp_path / "b.mpo", 90, by_tag=True)
    assert np.array_equal(shown(tmp_path / "b.mpo"), np.rot90(shown(source), -1))
    with Image.open(tmp_path / "b.mpo") as turned:
        assert turned.n_frames == 2


def test_damaged_exif_data_are_a_reason(tmp_path):
    source = save(tmp_path / "a.jpg", tag=6)
    source.write_bytes(source.read_bytes().replace(b"Exif\0\0MM\0*", b"Exif\0\0MM\0?"))
    with pytest.raises(CannotTurn, match="damaged"):
        turn_photo(source, tmp_path / "b.jpg", 90, by_tag=True)
