"""Shared fixtures: nothing reaches beyond loopback, and the demo is run once for all tests that look at its files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.workflows.results import ScoreResult, StackResult

NOBODY = "http://127.0.0.1:9"


# Their tests look at the demo's files, which take a minute to make.
DEMO_FILES = {
    "test_demo_commands.py",
    "test_demo.py",
    "test_demo_report.py",
    "test_explain.py",
    "test_notebook_run.py",
}
# Their tests start Ray clusters, which disturb each other on a small machine.
CLUSTER_FOLDERS = {"tests/engines/ray", "tests/workflows/slurm"}


def name_scope(nodeid: str) -> str:
    """Return the name of the tests that stay together: those of a file, of the demo, or of clusters."""
    file = Path(nodeid.partition("::")[0])
    if file.parent.as_posix() in CLUSTER_FOLDERS:
        return "clusters"
    return "demo" if file.name in DEMO_FILES else str(file)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have processes begin with the scopes of the longest tests, so that they end at about the same time."""
    if hasattr(config, "workerinput"):
        sizes = Counter(name_scope(item.nodeid) for item in items)
        slow = Counter(name_scope(item.nodeid) for item in items if item.get_closest_marker("slow"))
        items.sort(key=lambda item: (-slow[scope := name_scope(item.nodeid)], -sizes[scope]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Have the tests of a scope stay together, in the order of scopes of the collection."""
    from xdist.scheduler import LoadScopeScheduling

    class ByScope(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return name_scope(nodeid)

    # xdist would put files of a single test last, which are among the longest.
    config.option.loadscopereorder = False
    return ByScope(config, log)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """pytest-socket guards this process; a proxy that nobody answers guards those that it starts."""
    patch = pytest.MonkeyPatch()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        patch.setenv(name, NOBODY)
    for name in ("NO_PROXY", "no_proxy"):
        patch.delenv(name, raising=False)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def no_memory_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What was measured for a person is neither read nor written."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    patch.delenv("ENSEMBLER_RUNTIME", raising=False)
    yield
    patch.undo()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data", tmp_path / "submissions")


@dataclass(frozen=True)
class Demo:
    """The demo as it was left on disk."""

    workspace: Workspace
    folder: CompetitionFolder
    stacked: StackResult
    scored: ScoreResult


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    from ensembler.workflows.demo import demo as run

    root = tmp_path_factory.mktemp("demo")
    workspace = Workspace(root / "data", root / "submissions")
    stacked, scored = run(workspace=workspace)
    return Demo(workspace, workspace.competition("digits"), stacked, scored)
