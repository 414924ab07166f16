from __future__ import annotations

import os
from pathlib import Path

import pytest

from ensembler.machine_limits import read_machine_memory

GB = 10**9
# What version 1 tells where there is no limit.
UNLIMITED = "9223372036854771712"


def written(root: Path, files: dict[str, str]) -> tuple[Path, Path]:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return root / "proc", root / "cgroup"


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        pytest.param("", {}, 32, id="no groups"),
        pytest.param("0::/", {}, 32, id="v2 outside of containers"),
        pytest.param("0::/", {"memory.max": 4 * GB}, 4, id="v2 in a container"),
        pytest.param("0::/", {"memory.max": "max"}, 32, id="v2 without limit"),
        pytest.param("0::/", {"memory.max": 64 * GB}, 32, id="a limit above what there is"),
        pytest.param("0::/a/b", {"a/memory.max": 3 * GB, "a/b/memory.max": "max"}, 3, id="v2 limit of a group around"),
        pytest.param("0::/a/b", {"a/memory.max": 3 * GB, "a/b/memory.max": 2 * GB}, 2, id="v2 own limit is narrower"),
        pytest.param("0::/a/b", {"c/memory.max": 2 * GB}, 32, id="v2 limit of another group"),
        pytest.param("0::/../x", {"memory.max": 4 * GB}, 4, id="v2 path that leaves the container"),
        pytest.param("4:memory:/a", {"memory/a/memory.limit_in_bytes": 5 * GB}, 5, id="v1"),
        pytest.param(
            "9:cpu:/a\n4:hugetlb,memory:/docker/12:34\n0::/",
            {"memory/memory.limit_in_bytes": 6 * GB, "cpu/memory.limit_in_bytes": GB},
            6,
            id="v1 in a container that sees the path outside it",
        ),
        pytest.param("4:memory:/a", {"memory.limit_in_bytes": GB}, 32, id="above all groups"),
        pytest.param("4:memory:/", {"memory/memory.limit_in_bytes": UNLIMITED}, 32, id="v1 without limit"),
        pytest.param("4:cpu:/", {"memory/memory.limit_in_bytes": GB}, 32, id="v1 without a group of memory"),
    ],
)
def test_the_narrowest_limit_counts(groups: str, limits: dict[str, int | str], expected: int, tmp_path: Path) -> None:
    files = {f"cgroup/{name}": str(value) for name, value in limits.items()}
    files |= {"proc/meminfo": f"MemFree: 7 kB\nMemTotal:       {32 * GB // 1024} kB", "proc/self/cgroup": groups}
    assert read_machine_memory(*written(tmp_path, files)) == pytest.approx(expected * GB, abs=1024)


def test_other_systems_are_asked_themselves(tmp_path: Path) -> None:
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert read_machine_memory(tmp_path, tmp_path) == physical


def test_a_system_that_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sysconf")
    assert read_machine_memory(tmp_path, tmp_path) == 8 * 2**30


def test_this_machine() -> None:
    assert 2**28 < read_machine_memory() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
