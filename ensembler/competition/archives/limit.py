"""A limit of the unpacked size, against zip bombs. It counts written bytes, since headers can be wrong."""

from __future__ import annotations

from pathlib import Path

from ...errors import BadData

# Photos are already compressed, and tables shrink to a tenth, so ten times the size is enough. The minimum allows small
# downloads of text or blank scans, and most disks have more free space.
MIN_LIMIT_BYTES = 50 * 10**9
LIMIT_RATIO = 10
# Deflate reaches 1,032 to 1. Archives of real data stay far below 200 to 1.
MAX_RATIO = 200
MIN_BYTES_FOR_RATIO = 10**9
# An archive can contain itself.
MAX_NESTING = 30


class UnpackLimit:
    """Counter of written bytes that raises ``BadData`` beyond the limit.

    ``max_bytes`` is the largest unpacked size of the outermost ``archive``. 0 sets no limit. None allows 50 GB, or ten
    times the archive if that is more, and refuses archives that unpack to more than 1 GB and 200 times their size.
    ``packed`` is the size of a folder's archives; None is that of the file ``archive``.
    """

    def __init__(self, archive: Path, max_bytes: int | None, packed: int | None = None) -> None:
        self._display_name = str(archive)
        self._is_default = max_bytes is None
        packed = archive.stat().st_size if packed is None else packed
        self._max_bytes = max(MIN_LIMIT_BYTES, LIMIT_RATIO * packed) if max_bytes is None else max_bytes
        self._written = 0
        self._packed = 0
        self._archive_bytes = 0

    def begin(self, archive: Path, claimed: int, display_name: str) -> None:
        """Begin with an archive whose header claims ``claimed`` unpacked bytes."""
        self._display_name = display_name
        self._packed = archive.stat().st_size
        self._archive_bytes = 0
        self._check(claimed)

    def count(self, size: int) -> None:
        """Count bytes before they are written."""
        self._written += size
        self._archive_bytes += size
        self._check(0)

    def _check(self, more: int) -> None:
        if self._max_bytes and self._written + more > self._max_bytes:
            limit = f"{self._max_bytes / 1e9:g} GB in all"
        elif self._is_default and self._archive_bytes + more > max(MIN_BYTES_FOR_RATIO, MAX_RATIO * self._packed):
            limit = f"{MAX_RATIO} times its size"
        else:
            return
        raise BadData(
            f"{self._display_name} may be a zip bomb, because it unpacks to more than {limit}: raise the limit with "
            "--unpack-limit; 0 sets no limit."
        )
