from __future__ import annotations

import contextlib
import io
import subprocess
import sys

import numpy as np
import pytest
from helpers.photos import photo_bytes, pixels, truncate, write_photo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from ensembler.errors import UnreadablePhoto
from ensembler.images import decoding
from ensembler.images.decoding import decode_at_sizes, decode_photo, open_photo

ORIENTATION = 0x0112


def plain_pillow(path, size):
    """Run the lines that the docstring promises to be enough."""
    lines = [line.strip() for line in decoding.__doc__.splitlines() if line.startswith("    ")]
    scope = {"Image": Image, "ImageOps": ImageOps, "numpy": np, "path": io.BytesIO(path.read_bytes()), "size": size}
    exec("\n".join(lines), scope)
    return scope["pixels"]


@pytest.fixture
def saved(tmp_path):
    def save(photo, name, **options):
        photo.save(tmp_path / name, **options)
        return tmp_path / name

    return save


COLOUR = Image.fromarray(pixels(1, (40, 30)))
KINDS = {
    "jpeg": (COLOUR, "x.jpg", {}),
    "progressive jpeg": (COLOUR, "x.jpg", {"progressive": True}),
    "grey jpeg": (COLOUR.convert("L"), "x.jpg", {}),
    "cmyk jpeg": (COLOUR.convert("CMYK"), "x.jpg", {}),
    "png": (COLOUR, "x.png", {}),
    "grey png": (COLOUR.convert("L"), "x.png", {}),
    "black and white png": (COLOUR.convert("1"), "x.png", {}),
    "png with transparency": (COLOUR.convert("RGBA"), "x.png", {}),
    "grey png with transparency": (COLOUR.convert("LA"), "x.png", {}),
    "palette": (COLOUR.convert("P"), "x.png", {}),
    "palette with a transparent colour": (COLOUR.convert("P"), "x.png", {"transparency": 3}),
    "gif": (COLOUR.convert("P"), "x.gif", {}),
    "bmp": (COLOUR, "x.bmp", {}),
    "tiff": (COLOUR, "x.tif", {"compression": "tiff_lzw"}),
    "webp": (COLOUR, "x.webp", {"lossless": True}),
}


@pytest.mark.parametrize(("photo", "name", "options"), KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("size", [8, 30, 64])
def test_three_lines_of_pillow_give_the_same_pixels(saved, photo, name, options, size):
    path = saved(photo, name, **options)
    decoded = decode_photo(path, size)
    assert (decoded.shape, decoded.dtype) == ((size, size, 3), np.uint8)
    np.testing.assert_array_equal(decoded, plain_pillow(path, size))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_honoured(saved, orientation):
    upright = Image.fromarray(pixels(2, (40, 30)))
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(turns[orientation]) if orientation in turns else upright
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = saved(stored, "x.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(open_photo(path, 40)), np.asarray(upright))
    np.testing.assert_array_equal(decode_photo(path, 10), plain_pillow(path, 10))


def test_a_photo_of_the_right_size_is_untouched(saved):
    photo = Image.fromarray(pixels(3, (16, 16)))
    np.testing.assert_array_equal(decode_photo(saved(photo, "x.png"), 16), pixels(3, (16, 16)))


LARGE = Image.fromarray(pixels(4, (400, 300)))


@pytest.mark.parametrize("size", [16, 30, 64, 90])
@pytest.mark.parametrize("name", ["x.jpg", "x.png"])
def test_large_photos_are_those_of_the_plain_lines_too(saved, name, size):
    path = saved(LARGE, name)
    np.testing.assert_array_equal(decode_photo(path, size), plain_pillow(path, size))


@pytest.mark.parametrize(
    ("name", "size", "decoded"),
    [
        ("x.jpg", 16, (50, 38)),
        ("x.jpg", 37, (100, 75)),
        ("x.jpg", 38, (200, 150)),
        ("x.jpg", 75, (200, 150)),
        ("x.jpg", 76, (400, 300)),
        ("x.png", 16, (400, 300)),
    ],
)
def test_large_jpegs_are_decoded_at_no_less_than_twice_the_size(saved, name, size, decoded):
    assert open_photo(saved(LARGE, name), size).size == decoded


def test_large_jpegs_lie_close_to_those_decoded_whole(saved):
    path = saved(LARGE, "x.jpg", quality=95)
    whole = np.asarray(Image.open(path).convert("RGB").resize((32, 32), Image.Resampling.BILINEAR), np.float64)
    assert np.sqrt(np.mean((decode_photo(path, 32) - whole) ** 2)) < 2


def test_sizes_of_one_scale_share_the_decoding(saved, monkeypatch):
    path = saved(LARGE, "x.jpg")
    sizes = [90, 16, 64, 17, 70]
    expected = [decode_photo(path, size) for size in sizes]
    decoded = []
    real = Image.Image.convert
    monkeypatch.setattr(Image.Image, "convert", lambda photo, mode: decoded.append(photo.size) or real(photo, mode))
    for mine, theirs in zip(decode_at_sizes(path, sizes), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert sorted(decoded) == [(50, 38), (200, 150), (400, 300)]


def test_a_large_photo_is_upright(saved):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    path = saved(LARGE, "x.jpg", exif=exif)
    np.testing.assert_array_equal(decode_photo(path, 20), plain_pillow(path, 20))
    assert open_photo(path, 20).size == (75, 100)


def test_shrinking_is_bilinear_and_antialiased(saved):
    assert "Image.Resampling.BILINEAR" in decoding.__doc__
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    shrunk = decode_photo(saved(Image.fromarray(checks.astype(np.uint8)), "x.png"), 8)
    assert np.abs(shrunk.astype(int) - 127).max() <= 8


def test_an_animation_gives_its_first_frame(saved):
    frames = [Image.fromarray(np.full((8, 8), grey, np.uint8)) for grey in (10, 200)]
    assert (decode_photo(saved(frames[0], "x.gif", save_all=True, append_images=frames[1:]), 8) == 10).all()


def refusal(path):
    with pytest.raises(UnreadablePhoto) as caught:
        decode_photo(path, 8)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp", ".gif"])
def test_truncated(tmp_path, suffix):
    path = truncate(write_photo(tmp_path / f"x{suffix}", size=(100, 100)))
    assert refusal(path).startswith(f"{path} cannot be read as a photo (")


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"<html></html>", photo_bytes(0)[:20]])
def test_no_photo(tmp_path, content):
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    assert refusal(path).endswith("replace or remove it.")


def test_missing(tmp_path):
    assert "No such file" in refusal(tmp_path / "missing.jpg")


def test_a_folder(tmp_path):
    assert "directory" in refusal(tmp_path)


def test_a_decompression_bomb(tmp_path):
    header = bytearray(photo_bytes(0, ".bmp"))
    header[18:26] = (60_000).to_bytes(4, "little") * 2
    (tmp_path / "x.bmp").write_bytes(header)
    assert "decompression bomb" in refusal(tmp_path / "x.bmp")


FORMATS = {suffix: photo_bytes(5, suffix) for suffix in (".jpg", ".png", ".gif", ".bmp", ".webp")}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(sorted(FORMATS)),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=5),
    st.integers(1, 5000),
)
def test_a_damaged_file_is_pixels_or_unreadable(tmp_path, suffix, changes, length):
    content = bytearray(FORMATS[suffix][:length])
    for place, value in changes:
        content[place % len(content)] = value
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    with contextlib.suppress(UnreadablePhoto):
        assert decode_photo(path, 8).shape == (8, 8, 3)


def jpeg_with_broken_exif(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "maker" * 10
    exif[ORIENTATION] = 1
    COLOUR.save(tmp_path / "x.jpg", exif=exif)
    content = (tmp_path / "x.jpg").read_bytes()
    entries = content.index(b"Exif\0\0") + 6 + 8
    (tmp_path / "x.jpg").write_bytes(content[:entries] + b"\x7f\x7f" + content[entries + 2 :])
    return tmp_path / "x.jpg"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_broken_exif_is_passed_over(tmp_path):
    path = jpeg_with_broken_exif(tmp_path)
    np.testing.assert_array_equal(decode_photo(path, 8), plain_pillow(path, 8))


def test_broken_exif_is_no_news_to_a_person(tmp_path):
    path = jpeg_with_broken_exif(tmp_path)
    with pytest.warns(UserWarning, match="Corrupt EXIF"):
        Image.open(io.BytesIO(path.read_bytes())).getexif()
    script = "import sys, pathlib, ensembler.images.decoding as d; d.decode_photo(pathlib.Path(sys.argv[1]), 8)"
    ran = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")
