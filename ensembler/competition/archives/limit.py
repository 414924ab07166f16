"""A limit of the unpacked size, against zip bombs. It counts what is written, since headers can lie."""

from __future__ import annotations

from pathlib import Path

from ...errors import BadData

# A competition's photos are compressed already and its tables shrink to a tenth, so ten times its size is plenty; the
# floor lets small downloads of text or blank scans pass, and is less than what most disks have free.
MIN_LIMIT_BYTES = 50 * 10**9
LIMIT_RATIO = 10
# Deflate reaches 1,032 to 1; whole archives of real data stay far below 200 to 1.
MAX_RATIO = 200
MIN_BYTES_FOR_RATIO = 10**9
# An archive can contain itself, and would never end.
MAX_NESTING = 30


class UnpackLimit:
    """Counts bytes as they are written, and refuses those beyond the limit with ``BadData``.

    ``max_bytes`` is how many bytes the outermost ``archive`` may unpack to, 0 for any number. None takes 50 GB, or ten
    times the archive if that is more, and refuses any archive that unpacks to more than 1 GB and 200 times its own
    size.
    """

    def __init__(self, archive: Path, max_bytes: int | None) -> None:
        self._display_name = str(archive)
        self._is_default = max_bytes is None
        self._max_bytes = max(MIN_LIMIT_BYTES, LIMIT_RATIO * archive.stat().st_size) if max_bytes is None else max_bytes
        self._written = 0
        self._packed = 0
        self._archive_bytes = 0

    def begin(self, archive: Path, claimed: int, display_name: str) -> None:
        """Turn to an archive that claims to unpack to ``claimed`` bytes."""
        self._display_name = display_name
        self._packed = archive.stat().st_size
        self._archive_bytes = 0
        self._check(claimed)

    def count(self, size: int) -> None:
        """Count bytes about to be written."""
        self._written += size
        self._archive_bytes += size
        self._check(0)

    def _check(self, more: int) -> None:
        if self._max_bytes and self._written + more > self._max_bytes:
            raise BadData(
                f"{self._display_name} unpacks to more than {self._max_bytes / 1e9:g} GB in all, as a zip bomb would: "
                "if that is right, allow it with --unpack-limit GB (0 for no limit)."
            )
        unpacked = self._archive_bytes + more
        if self._is_default and unpacked > max(MIN_BYTES_FOR_RATIO, MAX_RATIO * self._packed):
            raise BadData(
                f"{self._display_name} unpacks to more than {MAX_RATIO} times its size, as a zip bomb would: "
                "if that is right, allow it with --unpack-limit GB (0 for no limit)."
            )
