"""Formats of archives: zip, 7z, tar and single compressed files, chosen by suffix."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .entry_names import WESTERN, choose_encoding
from .members import ArchiveEntry, ArchiveReader, EntryKind, OpenSink, classify_mode

_BLOCK = 1 << 20

# Errors of the libraries for damaged archives.
DAMAGE_ERRORS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    RuntimeError,
)


@dataclass
class _StreamReader:
    """An open archive whose entries are read one by one."""

    entries: list[ArchiveEntry]
    open_entry: Callable[[str], IO[bytes]]

    def unpack(self, files: list[ArchiveEntry], open_sink: OpenSink) -> None:
        for entry in files:
            # Reading to the end verifies the checksum.
            with self.open_entry(entry.name) as source, open_sink(entry) as sink:
                shutil.copyfileobj(source, sink, _BLOCK)


@contextlib.contextmanager
def _open_zip(path: Path) -> Iterator[ArchiveReader]:
    with zipfile.ZipFile(path) as opened:
        listed = opened.infolist()
        # The mark of UTF-8 is bit 11.
        unmarked = {info.filename for info in listed if not info.flag_bits & 0x800 and not info.filename.isascii()}
        encoding = choose_encoding([name.encode(WESTERN) for name in unmarked]) if unmarked else ""
        infos = {
            info.filename.encode(WESTERN).decode(encoding) if info.filename in unmarked else info.filename: info
            for info in listed
        }
        kinds = {
            name: "folder" if info.is_dir() else classify_mode(info.external_attr >> 16) for name, info in infos.items()
        }
        entries = [
            ArchiveEntry(
                name,
                kinds[name],
                info.file_size,
                encrypted=bool(info.flag_bits & 1),
                encoding=encoding if info.filename in unmarked else "",
            )
            for name, info in infos.items()
        ]
        yield _StreamReader(entries, lambda name: opened.open(infos[name]))


@contextlib.contextmanager
def _open_tar(path: Path) -> Iterator[ArchiveReader]:
    with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as opened:
        infos = {_decode_name(info.name): info for info in opened.getmembers()}

        def open_entry(name: str) -> IO[bytes]:
            source = opened.extractfile(infos[name])
            if source is None:
                raise tarfile.ReadError(f"no content of {name!r}")
            return source

        entries = [ArchiveEntry(name, _classify_tar_entry(info), info.size) for name, info in infos.items()]
        yield _StreamReader(entries, open_entry)


def _classify_tar_entry(info: tarfile.TarInfo) -> EntryKind:
    if info.isdir():
        return "folder"
    if info.issym() or info.islnk():
        return "link"
    return "file" if info.isfile() else "device"


def _decode_name(name: str) -> str:
    """Decode a name that is not UTF-8 in the code page of zip archives, since tables are UTF-8."""
    raw = name.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _open_seven_zip(path: Path) -> AbstractContextManager[ArchiveReader]:
    from .seven_zip import open_seven_zip

    return open_seven_zip(path)


@contextlib.contextmanager
def _open_compressed(path: Path) -> Iterator[ArchiveReader]:
    """Open a single compressed file; a compressed tar becomes a tar."""
    if not path.stat().st_size:
        raise EOFError("it is empty")  # gzip reads an empty file without an error
    suffix = path.suffix.lower()
    name = path.stem + (".tar" if suffix in _SHORT_TARS else "")
    with _DECOMPRESSORS[_SHORT_TARS.get(suffix, suffix)](path) as source:
        yield _StreamReader([ArchiveEntry(name, "file")], lambda _: source)


_DECOMPRESSORS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_SHORT_TARS = {".tgz": ".gz", ".tbz": ".bz2", ".tbz2": ".bz2", ".txz": ".xz"}
_FORMATS: dict[str, Callable[[Path], AbstractContextManager[ArchiveReader]]] = {
    ".zip": _open_zip,
    ".7z": _open_seven_zip,
    ".tar": _open_tar,
    **dict.fromkeys([*_DECOMPRESSORS, *_SHORT_TARS], _open_compressed),
}


def is_archive(path: Path) -> bool:
    """Return whether a file has the suffix of a known archive."""
    return path.suffix.lower() in _FORMATS


def describe_format(path: Path) -> str:
    """Return the format of an archive by its suffix, such as ``zip``, which is also the default."""
    return path.suffix.lower().lstrip(".") if is_archive(path) else "zip"


def open_archive(path: Path) -> AbstractContextManager[ArchiveReader]:
    """Open an archive for reading.

    Raises
    ------
    EncryptedArchive
        If the names of its entries are encrypted.
    NotImplementedError
        If the libraries do not support its compression.
    Exception
        One of ``DAMAGE_ERRORS``, or an ``OSError`` without a number, if it is damaged.
    """
    return _FORMATS.get(path.suffix.lower(), _open_zip)(path)
