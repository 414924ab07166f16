from __future__ import annotations

import os
from pathlib import Path

import pytest

from ensembler.machine_limits import count_processors, count_usable_processors

SHARES = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SHARES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.mark.parametrize(("share", "count"), [("1", 1), ("", 8), ("x", 8), ("0", 8), ("100000", 8)])
@pytest.mark.parametrize("name", SHARES)
def test_a_job_uses_its_share_of_the_processors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, share: str, count: int
) -> None:
    monkeypatch.setenv(name, share)
    assert count_processors(tmp_path, tmp_path) == count
    # What jobs divide among themselves is no share.
    assert count_usable_processors(tmp_path, tmp_path) == 8


V1 = {"cpu/a/cpu.cfs_period_us": "100000"}


@pytest.mark.parametrize(
    ("groups", "files", "count"),
    [
        pytest.param("0::/", {}, 8, id="v2 outside of containers"),
        pytest.param("0::/", {"cpu.max": "200000 100000"}, 2, id="v2 in a container"),
        pytest.param("0::/", {"cpu.max": "150000 100000"}, 2, id="a begun processor is worth a process"),
        pytest.param("0::/", {"cpu.max": "50000 100000"}, 1, id="at least one"),
        pytest.param("0::/", {"cpu.max": "max 100000"}, 8, id="v2 without quota"),
        pytest.param("0::/", {"cpu.max": "6400000 100000"}, 8, id="a quota above what there is"),
        pytest.param("0::/a/b", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000"}, 3, id="a group around"),
        pytest.param("0::/a", {"cpu.max": ""}, 8, id="an empty file"),
        pytest.param("2:cpu,cpuacct:/a", {**V1, "cpu/a/cpu.cfs_quota_us": "400000"}, 4, id="v1"),
        pytest.param("2:cpu,cpuacct:/a", {**V1, "cpu/a/cpu.cfs_quota_us": "-1"}, 8, id="v1 without quota"),
        pytest.param("2:cpuset:/a", {**V1, "cpu/a/cpu.cfs_quota_us": "400000"}, 8, id="v1 of another controller"),
    ],
)
def test_the_quota_of_a_container_counts(groups: str, files: dict[str, str], count: int, tmp_path: Path) -> None:
    for name, content in {
        "proc/self/cgroup": groups,
        **{f"cgroup/{name}": text for name, text in files.items()},
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content + "\n")
    assert count_processors(tmp_path / "proc", tmp_path / "cgroup") == count
