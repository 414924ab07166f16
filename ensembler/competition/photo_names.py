"""Parts of a photo's relative path, computed faster than by :class:`pathlib.PurePosixPath`.

A competition may have a million paths, and each is parsed many times. Objects for all of them would take minutes. Paths
are relative, with single forward slashes and without ``.`` parts.
"""

from __future__ import annotations


def extract_name(path: str) -> str:
    """Return the file name: ``cat.12.jpg`` of ``train/cat.12.jpg``."""
    return path.rpartition("/")[2]


def extract_folder(path: str) -> str:
    """Return the path of a photo's folder; an empty string for the root."""
    return path.rpartition("/")[0]


def extract_stem(path: str) -> str:
    """Return the name without suffix: ``cat.12`` of ``train/cat.12.jpg``."""
    name = extract_name(path)
    return name[: len(name) - len(extract_suffix(name))]


def extract_suffix(path: str) -> str:
    """Return the suffix with its dot: ``.jpg`` of ``train/cat.12.jpg``; an empty string if there is none."""
    name = extract_name(path)
    place = name.rfind(".")
    return name[place:] if 0 < place < len(name) - 1 else ""
