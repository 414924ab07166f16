"""Kinds of files below a folder: photos that Pillow decodes, pictures of other formats, files of systems, and others.

A suffix decides. Only a file without a known suffix is opened, for its first bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ..photo_names import extract_suffix

PHOTO, SYSTEM, OTHER = "photo", "system", ""

# Formats of Pillow that are no photos, or for which Pillow only has a stub.
_NO_PHOTOS = frozenset({"PDF", "EPS", "MPEG", "FLI", "WMF", "BUFR", "GRIB", "HDF5", "IPTC"})
_SYSTEM_FOLDERS = frozenset(
    {"__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found", "__pycache__"}
)
_SYSTEM_NAMES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
# Pictures that cannot be decoded here. A plugin of Pillow may still add a suffix.
_UNDECODABLE = {
    f".{suffix}": name
    for name, suffixes in {
        "HEIC": "heic heif hif",
        "DICOM": "dcm dicom",
        "RAW": "cr2 cr3 nef arw dng raf orf rw2 raw pef srw",
        "SVG": "svg svgz",
        "NumPy": "npy npz",
        "video": "mp4 avi mov mkv webm mpg mpeg m4v wmv fli flc",
        "NIfTI": "nii nrrd mha mhd",
        "slide": "svs ndpi mrxs scn",
        "JPEG XL": "jxl",
        "OpenEXR": "exr hdr",
        "TFRecord": "tfrec tfrecord",
        "EPS": "eps ps",
    }.items()
    for suffix in suffixes.split()
}
# Suffixes of files that are not opened to look for a photo.
_OTHERS = (
    "csv tsv txt json jsonl ndjson xml html htm md rst py ipynb r yaml yml toml cfg ini log sh bat xls xlsx ods docx",
    "pdf parquet feather arrow pkl pickle mat h5 hdf5 keras pt pth onnx pb tflite safetensors zip 7z tar gz bz2 xz tgz",
    "tbz tbz2 txz rar db sqlite lock names data wav mp3 pyc",
)
_OTHER_SUFFIXES = frozenset(f".{suffix}" for line in _OTHERS for suffix in line.split())
_FIRST_BYTES = 256
_BRANDS = {b"avif": PHOTO, b"avis": PHOTO} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"
)
_SIGNATURES: tuple[tuple[str, str], ...] = tuple(
    (pattern, kind)
    for kind, patterns in {
        PHOTO: (
            r"\xff\xd8\xff",
            r"\x89PNG\r\n\x1a\n",
            r"GIF8[79]a",
            r"BM.{4}\0{4}",
            r"II\*\0|MM\0\*",
            r"RIFF.{4}WEBP",
            r"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
            r"P[1-6]\s+(?:#|\d)",
            r"qoif",
            r"DDS ",
            r"8BPS",
        ),
        "DICOM": (r".{128}DICM",),
        "NumPy": (r"\x93NUMPY",),
        "SVG": (r"\s*(?:<\?xml[^>]*>\s*)?<svg",),
        "video": (r"RIFF.{4}AVI ", r"\x1a\x45\xdf\xa3"),
    }.items()
    for pattern in patterns
)


@lru_cache(maxsize=1)
def list_photo_suffixes() -> frozenset[str]:
    """Return the suffixes of photos that Pillow can decode, in lower case with their dots."""
    from PIL import Image

    extensions = Image.registered_extensions()
    return frozenset(suffix for suffix, name in extensions.items() if name in Image.OPEN and name not in _NO_PHOTOS)


def is_system_name(name: str) -> bool:
    """Return whether a file or folder is hidden, or was left by a system or an editor."""
    return name.startswith((".", "~$")) or name.lower() in _SYSTEM_FOLDERS or name.lower() in _SYSTEM_NAMES


def walk_files(root: Path, *, enter_systems: bool = False) -> Iterator[tuple[str, str]]:
    """Yield each file below ``root``, relative to it with forward slashes, and its kind.

    A kind is :data:`PHOTO`, :data:`SYSTEM`, the name of a format that cannot be decoded, or :data:`OTHER`. Folders of
    systems are entered only if asked; the kind of all files there is :data:`SYSTEM`.
    """
    top = str(root)
    for folder, folders, names in os.walk(top):
        below = folder[len(top) :].replace(os.sep, "/").strip("/")
        prefix = f"{below}/" if below else ""
        is_system = enter_systems and any(map(is_system_name, below.split("/")))
        # Keeps os.walk out of folders of systems.
        folders[:] = sorted(name for name in folders if enter_systems or not is_system_name(name))
        for name in names:
            yield prefix + name, SYSTEM if is_system else classify_file(folder, name)


def classify_file(folder: str, name: str) -> str:
    """Return the kind of a file by its suffix, or by its first bytes if it has no known suffix."""
    suffix = extract_suffix(name).lower()
    if is_system_name(name):
        return SYSTEM
    if suffix in list_photo_suffixes():
        return PHOTO
    if suffix in _UNDECODABLE:
        return _UNDECODABLE[suffix]
    return OTHER if suffix in _OTHER_SUFFIXES else recognise_content(Path(folder, name))


def recognise_content(path: Path) -> str:
    """Return the kind of a file by its first bytes; :data:`OTHER` if they tell nothing or cannot be read."""
    try:
        with path.open("rb") as stream:
            start = stream.read(_FIRST_BYTES)
    except OSError:
        return OTHER
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], "video")
    text = start.decode("latin-1")
    return next(
        (kind for pattern, kind in _SIGNATURES if re.match(pattern, text, flags=re.DOTALL | re.IGNORECASE)), OTHER
    )
