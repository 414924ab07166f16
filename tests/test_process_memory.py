from __future__ import annotations

import os
from pathlib import Path

import pytest

from ensembler.process_memory import resident_bytes


def test_linux_tells_pages(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "statm").write_text("900 25 3 1 0 4 0\n")
    assert resident_bytes(7, tmp_path) == 25 * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("text", [None, "", "900", "a b c"])
def test_who_tells_nothing_is_not_guessed(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "7").mkdir()
        (tmp_path / "7" / "statm").write_text(text)
    assert resident_bytes(7, tmp_path) is None


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_this_process_holds_more_after_it_took_more() -> None:
    before = resident_bytes() or 0
    held = b"x" * 50_000_000
    assert (resident_bytes() or 0) - before > 0.9 * len(held)
