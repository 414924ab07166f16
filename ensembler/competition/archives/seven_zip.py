"""Reading of 7z archives, in a separate module because py7zr is imported only if needed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import py7zr
from py7zr.exceptions import ArchiveError, PasswordRequired, UnsupportedCompressionMethodError
from py7zr.io import Py7zIO, WriterFactory

from .members import ArchiveEntry, ArchiveReader, EncryptedArchive, EntryKind, OpenSink, Sink

# Errors of py7zr for invalid headers.
_BAD_HEADER_ERRORS = (LookupError, TypeError, AssertionError, OverflowError)


@contextlib.contextmanager
def open_seven_zip(path: Path) -> Iterator[ArchiveReader]:
    """Open a 7z archive. Errors are those of :func:`.formats.open_archive`."""
    try:
        # py7zr unpacks an open file entry by entry, but a path with several threads.
        with path.open("rb") as stream, py7zr.SevenZipFile(stream) as opened:
            yield _SevenZipReader(opened, path.parent.absolute())
    except PasswordRequired as error:
        raise EncryptedArchive from error
    except UnsupportedCompressionMethodError as error:
        raise NotImplementedError(str(error.message)) from error
    except (ArchiveError, *_BAD_HEADER_ERRORS) as error:
        raise ValueError(f"{type(error).__name__} {error}".strip()) from error


class _SevenZipReader:
    def __init__(self, opened: py7zr.SevenZipFile, base: Path) -> None:
        self._opened = opened
        self._base = base
        locked = bool(opened.needs_password())
        self.entries = [
            ArchiveEntry(info.filename, _classify_entry(info), info.uncompressed or 0, encrypted=locked)
            for info in opened.list()
        ]

    def unpack(self, files: list[ArchiveEntry], open_sink: OpenSink) -> None:
        with contextlib.ExitStack() as open_now:
            factory = _SinkFactory(self._base, files, open_sink, open_now)
            self._opened.extract(self._base, [entry.name for entry in files], factory=factory)


def _classify_entry(info: py7zr.FileInfo) -> EntryKind:
    if info.is_directory:
        return "folder"
    if info.is_symlink:
        return "link"
    return "file" if info.is_file else "device"


class _SinkFactory(WriterFactory):
    """Factory of a sink per entry. Nothing is written to ``base``, which py7zr prepends to the names."""

    def __init__(
        self, base: Path, files: list[ArchiveEntry], open_sink: OpenSink, open_now: contextlib.ExitStack
    ) -> None:
        self._base = base
        self._entries = {PurePosixPath(member.name): member for member in files}
        self._open_sink = open_sink
        self._open_now = open_now

    def create(self, filename: str) -> Py7zIO:
        """Close the sink before this one and open the next."""
        self._open_now.close()
        entry = self._entries[PurePosixPath(Path(filename).relative_to(self._base).as_posix())]
        return _Writer(self._open_now.enter_context(self._open_sink(entry)))


class _Writer(Py7zIO):
    """A sink for py7zr, which calls only ``write`` but requires the other methods."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._size = 0

    def write(self, s: bytes | bytearray) -> int:
        self._sink.write(bytes(s))
        self._size += len(s)
        return len(s)

    def read(self, size: int | None = None) -> bytes:
        del size
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        del whence
        return offset

    def flush(self) -> None:
        pass

    def size(self) -> int:
        return self._size
