"""A limit for what archives may unpack to, against zip bombs; it counts what is written, for headers can lie."""

from __future__ import annotations

from pathlib import Path

from ...errors import BadData

# A competition's photos are compressed already and its tables shrink to a tenth, so ten times its size is plenty; the
# floor lets small downloads of text or blank scans pass, and is less than what most disks have free.
FLOOR = 50 * 10**9
MOST_TIMES = 10
# Deflate reaches 1,032 to 1; whole archives of real data stay far below 200 to 1.
STEEPEST = 200
STEEP_FROM = 10**9
# Archives in archives in archives: an archive can hold itself, and would never come to an end.
DEEPEST = 30


class UnpackLimit:
    """Counts bytes as they are written and refuses those beyond the limit.

    Parameters
    ----------
    archive
        The outermost archive.
    most_bytes
        How many bytes may be written in total, 0 for any number. None takes 50 GB, or ten times the archive if that
        is more, and refuses any archive that unpacks to more than 1 GB and 200 times its own size.
    """

    def __init__(self, archive: Path, most_bytes: int | None) -> None:
        self._shown = str(archive)
        self._by_rule = most_bytes is None
        self._most = max(FLOOR, MOST_TIMES * archive.stat().st_size) if most_bytes is None else most_bytes
        self._written = 0
        self._packed = 0
        self._of_this = 0

    def begin(self, archive: Path, claimed: int, shown: str) -> None:
        """Turn to an archive that claims to unpack to ``claimed`` bytes.

        Raises
        ------
        BadData
            If that is too much.
        """
        self._shown = shown
        self._packed = archive.stat().st_size
        self._of_this = 0
        self._check(claimed)

    def count(self, size: int) -> None:
        """Count bytes about to be written.

        Raises
        ------
        BadData
            If they are too many.
        """
        self._written += size
        self._of_this += size
        self._check(0)

    def _check(self, more: int) -> None:
        if self._most and self._written + more > self._most:
            raise BadData(
                f"{self._shown} unpacks to more than {self._most / 1e9:g} GB in all, as a zip bomb would: "
                "if that is right, allow it with --unpack-limit GB (0 for no limit)."
            )
        unpacked = self._of_this + more
        if self._by_rule and unpacked > max(STEEP_FROM, STEEPEST * self._packed):
            raise BadData(
                f"{self._shown} unpacks to more than {STEEPEST} times its size, as a zip bomb would: "
                "if that is right, allow it with --unpack-limit GB (0 for no limit)."
            )
