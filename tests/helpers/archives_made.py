"""Small real archives of other kinds than zip."""

from __future__ import annotations

import io
import tarfile

import py7zr


def seven_zip_bytes(members: dict[str, bytes], password: str | None = None, *, hide_names: bool = False) -> bytes:
    """A 7z of ``members``; ``hide_names`` encrypts those, too."""
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", password=password, header_encryption=hide_names) as opened:
        for name, content in members.items():
            opened.writestr(content, name)
    return buffer.getvalue()


def tar_bytes(members: dict[str, bytes], mode: str = "w") -> bytes:
    """A tar of ``members``; mode ``w:gz`` and its like compress it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as opened:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            opened.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
