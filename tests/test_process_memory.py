from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from ensembler.process_memory import read_resident_bytes, release_pages


def test_linux_tells_pages(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "statm").write_text("900 25 3 1 0 4 0\n")
    assert read_resident_bytes(7, tmp_path) == 25 * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("text", [None, "", "900", "a b c"])
def test_who_tells_nothing_is_not_guessed(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "7").mkdir()
        (tmp_path / "7" / "statm").write_text(text)
    assert read_resident_bytes(7, tmp_path) is None


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_this_process_holds_more_after_it_took_more() -> None:
    before = read_resident_bytes() or 0
    held = b"x" * 50_000_000
    assert (read_resident_bytes() or 0) - before > 0.9 * len(held)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_mapped_file_is_let_go_of_and_reads_the_same_again(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 256, 20_000_000, np.uint8)
    np.save(tmp_path / "numbers.npy", numbers)
    mapped = np.load(tmp_path / "numbers.npy", mmap_mode="r")[1000:]
    total = int(mapped.sum())
    held = read_resident_bytes()
    release_pages(mapped)
    freed = held - read_resident_bytes()
    assert freed > 15_000_000
    assert int(mapped.sum()) == total


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_an_array_that_is_no_mapped_file_keeps_its_memory_and_its_content() -> None:
    numbers = np.random.default_rng(0).integers(0, 256, 20_000_000, np.uint8)
    total, held = int(numbers.sum()), read_resident_bytes() or 0
    release_pages(numbers[1000:])
    assert (read_resident_bytes() or 0) > held - 5_000_000
    assert int(numbers.sum()) == total
