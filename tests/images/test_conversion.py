from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers.photos import pixels, write_png_16
from PIL import Image

from ensembler.competition.pixels import PLAIN, PixelRule
from ensembler.errors import UnknownPixels
from ensembler.images.decoding import decode_at_sizes, decode_photo, open_photo

COLOUR = Image.fromarray(pixels(1, (40, 30)))
ORIENTATION = 0x0112


def decode(path, rule=PLAIN):
    return np.asarray(open_photo(path, 40, rule))


def write_tiff_16(path, values, order="<", *, compressed=False, extra=0):
    """Write a TIFF of several channels of 16 bits."""
    height, width, channels = values.shape
    data = values.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if compressed else data
    tags = [
        (256, width),
        (257, height),
        (258, 200),
        (259, 8 if compressed else 1),
        (262, 2),
        (273, 300),
        (277, channels),
        (278, height),
    ]
    entries = b""
    for tag, value in [*tags, (279, len(data)), (284, 1), *([(338, extra)] if channels == 4 else [])]:
        count = channels if tag == 258 else 1
        content = struct.pack(f"{order}H2x", value) if tag not in (258, 273, 279) else struct.pack(f"{order}I", value)
        entries += struct.pack(f"{order}HHI", tag, 4 if tag in (273, 279) else 3, count) + content
    heading = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    heading += struct.pack(f"{order}H", len(entries) // 12) + entries + bytes(4)
    raw = bytearray(300)
    raw[: len(heading)] = heading
    raw[200 : 200 + 2 * channels] = struct.pack(f"{order}{channels}H", *[16] * channels)
    path.write_bytes(bytes(raw) + data)
    return path


RAMP = np.arange(0, 256, 17).reshape(4, 4)
DEEP = {
    "16 bits": ("x.png", RAMP * 257, np.uint16, PixelRule(unsigned=(0, 65535))),
    "12 bits of 16": ("x.png", RAMP * 4095 / 255, np.uint16, PixelRule(unsigned=(0, 4095))),
    "8 bits of 16": ("x.png", RAMP, np.uint16, PixelRule(unsigned=(0, 255))),
    "16 bits in a TIFF": ("x.tif", RAMP * 257, np.uint16, PixelRule(unsigned=(0, 65535))),
    "16 bits in a PGM": ("x.pgm", RAMP * 257, np.int32, PixelRule(unsigned=(0, 65535))),
    "signed, of the width of 8 bits": ("x.tif", RAMP, np.int32, PixelRule(signed=(0, 255))),
    "Hounsfield units": ("x.tif", RAMP * 16 - 1024, np.int32, PixelRule(signed=(-1024, 3056))),
    "floats to 1": ("x.tif", RAMP / 255, np.float32, PixelRule(floats=(0, 1))),
    "floats to 255": ("x.tif", RAMP, np.float32, PixelRule(floats=(0, 255))),
}


@pytest.mark.parametrize(("name", "values", "kind", "rule"), DEEP.values(), ids=DEEP)
def test_numbers_of_more_than_8_bits_are_scaled_by_the_rule(tmp_path, name, values, kind, rule):
    Image.fromarray(values.astype(kind)).save(tmp_path / name)
    found = decode(tmp_path / name, rule)
    assert (found[..., 0] == found[..., 2]).all()
    assert np.abs(found[..., 0].astype(int) - RAMP).max() <= (1 if name == "x.png" else 0)
    with pytest.raises(UnknownPixels, match="for which the competition's rule of pixels has no range: convert it"):
        decode(tmp_path / name)


def test_a_dark_photo_stays_dark_and_numbers_beyond_are_clipped(tmp_path):
    Image.fromarray(np.array([[0, 100, 4095, 5000]], np.uint16)).save(tmp_path / "x.png")
    rule = PixelRule(unsigned=(0, 4095))
    assert decode(tmp_path / "x.png", rule)[0, :, 0].tolist() == [0, 6, 255, 255]
    assert decode(tmp_path / "x.png", PixelRule(unsigned=(100, 4095)))[0, :, 0].tolist() == [0, 0, 255, 255]


def test_a_pixel_without_a_number_is_black(tmp_path):
    Image.fromarray(np.array([[np.nan, np.inf, -np.inf, 1]], np.float32)).save(tmp_path / "x.tif")
    assert decode(tmp_path / "x.tif", PixelRule(floats=(0, 1)))[0, :, 0].tolist() == [0, 255, 0, 255]


@pytest.mark.parametrize("bits", [16, 12])
@pytest.mark.parametrize(
    "kind", ["png", "transparent png", "little-endian tiff", "big-endian tiff", "four bands", "compressed"]
)
def test_all_bits_of_several_channels_count(tmp_path, kind, bits):
    highest = 2**bits - 1
    values = np.random.default_rng(0).integers(0, highest + 1, (30, 40, 4))
    values[..., 3] = 65535
    if "png" in kind:
        path = write_png_16(tmp_path / "x.png", values if "transparent" in kind else values[..., :3])
    else:
        channels = values if kind == "four bands" else values[..., :3]
        order = ">" if "big" in kind else "<"
        path = write_tiff_16(tmp_path / "x.tif", channels, order, compressed=kind == "compressed")
    found = decode(path, PixelRule(unsigned=(0, highest)))
    # Of 16 bits Pillow keeps the upper 8, as it always did.
    expected = values[..., :3] // 256 if bits == 16 else np.round(values[..., :3] * (255 / highest))
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(UnknownPixels, match="has no range"):
        decode(path)


def test_colours_that_are_multiplied_by_transparency_are_divided(tmp_path):
    values = np.full((30, 40, 4), 20000)
    values[..., 3] = 40000
    path = write_tiff_16(tmp_path / "x.tif", values, extra=1)
    # Half of the brightest grey, put on a ground of black.
    assert np.abs(decode(path, PixelRule("black", unsigned=(0, 65535))).astype(int) - 20000 / 256).max() <= 1
    assert np.abs(decode(path, PixelRule("none", unsigned=(0, 32767))).astype(int) - 255).max() <= 1


def test_all_bits_of_grey_with_transparency_count(tmp_path):
    values = np.random.default_rng(0).integers(0, 1024, (30, 40, 2))
    values[:, :20, 1], values[:, 20:, 1] = 65535, 0
    path = write_png_16(tmp_path / "x.png", values)
    found = decode(path, PixelRule("white", unsigned=(0, 1023)))
    scaled = np.round(values[:, :20, :1] * (255 / 1023))
    assert np.abs(found[:, :20] - scaled).max() == 0
    assert (found[:, 20:] == 255).all()


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_all_bits_are_upright(tmp_path, orientation):
    values = np.random.default_rng(0).integers(0, 4096, (30, 40, 3))
    path = write_png_16(tmp_path / "x.png", values)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = path.read_bytes()
    data = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(data)) + b"eXIf" + data + struct.pack(">I", zlib.crc32(b"eXIf" + data))
    path.write_bytes(content[:33] + chunk + content[33:])
    expected = np.rot90(values, {1: 0, 6: 3, 8: 1}[orientation])
    found = decode(path, PixelRule(unsigned=(0, 4095)))
    np.testing.assert_array_equal(found, np.round(expected * (255 / 4095)))


def cut_out(mode):
    """A black disc whose shape is in its transparency alone, and the disc on white."""
    rows, columns = np.indices((30, 40))
    inside = (rows - 15) ** 2 + (columns - 20) ** 2 < 100
    alpha = Image.fromarray(np.where(inside, 255, 0).astype(np.uint8))
    expected = np.repeat(np.where(inside, 0, 255)[..., None], 3, axis=2)
    if mode == "P":
        photo = Image.fromarray(inside.astype(np.uint8)).convert("P")
        photo.putpalette([0, 0, 0, 0, 0, 0])
        return photo, {"transparency": 0}, expected
    if mode in ("L", "RGB"):
        # One colour stands for transparent.
        photo = Image.fromarray(np.where(inside, 0, 7).astype(np.uint8)).convert(mode)
        return photo, {"transparency": 7 if mode == "L" else (7, 7, 7)}, expected
    photo = Image.new(mode[:-1], (40, 30), 0)
    photo.putalpha(alpha)
    return photo, {}, expected


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        *(("RGBA", f"x.{suffix}") for suffix in ("png", "webp", "tif")),
        *(("LA", f"x.{suffix}") for suffix in ("png", "tif")),
        *(("P", f"x.{suffix}") for suffix in ("png", "gif")),
        *((mode, "x.png") for mode in ("L", "RGB")),
    ],
)
def test_cut_outs_are_put_on_the_ground(tmp_path, mode, name):
    photo, options, expected = cut_out(mode)
    photo.save(tmp_path / name, **options, **({"lossless": True, "exact": True} if name == "x.webp" else {}))
    np.testing.assert_array_equal(decode(tmp_path / name, PixelRule("white")), expected)
    sizes = decode_at_sizes(tmp_path / name, [8, 16], PixelRule("white"))
    np.testing.assert_array_equal(sizes[1], decode_photo(tmp_path / name, 16, PixelRule("white")))
    assert decode(tmp_path / name, PixelRule("none")).max() <= 7
    assert decode(tmp_path / name, PixelRule("grey")).max() == 128
    with pytest.raises(UnknownPixels, match=r"has transparent pixels, for which .* has no ground"):
        decode(tmp_path / name)


def test_half_transparent_pixels_are_mixed(tmp_path):
    Image.new("RGBA", (8, 8), (200, 100, 0, 128)).save(tmp_path / "x.png")
    assert decode(tmp_path / "x.png", PixelRule("white"))[0, 0].tolist() == [227, 177, 127]
    assert decode(tmp_path / "x.png", PixelRule("black"))[0, 0].tolist() == [100, 50, 0]


@pytest.mark.parametrize("rule", [PLAIN, PixelRule("white"), PixelRule("black", unsigned=(0, 4095))])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK"])
def test_opaque_photos_of_8_bits_are_the_same_by_any_rule(tmp_path, mode, rule):
    photo = COLOUR.convert(mode)
    path: Path = tmp_path / ("x.tif" if mode == "CMYK" else "x.png")
    photo.save(path, **({"transparency": bytes([255] * 256)} if mode == "P" else {}))
    np.testing.assert_array_equal(decode(path, rule), np.asarray(photo.convert("RGB")))
