"""The arrows of docs/design.md: who may import whom, and which room may import a heavy library."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import ensembler

PACKAGE = Path(ensembler.__file__).parent
# A room may import those that come after it.
ORDER = (
    "cli",
    "console",
    "event_file",
    "workflows",
    "reports",
    "submission",
    "stacking",
    "members",
    "images",
    "competition",
    "progress",
    "events",
    "process_memory",
    "machine_memory",
    "storage",
    "locks",
    "errors",
)
# These may import less than the order gives them.
NARROWER = {
    "__main__": {"cli"},
    "cli": {"console", "event_file", "workflows", "progress", "events", "storage", "errors"},
    "console": {"progress", "events", "process_memory"},
    "event_file": {"progress", "events", "errors"},
    "engines": {"progress", "events", "machine_memory", "storage", "errors"},
    "reports": {"storage", "errors"},
    "progress": {"events", "errors"},
    "events": set(),
    "process_memory": set(),
    "machine_memory": set(),
}
# Code that runs in job processes alone: nobody else may load TensorFlow.
JOB_CODE = {
    "members/board.py",
    "members/converted.py",
    "members/network.py",
    "members/onednn_speed.py",
    "members/own_networks.py",
    "members/view_networks.py",
    "members/budget/measuring.py",
    "members/fine_tuning/callbacks.py",
    "members/fine_tuning/devices.py",
    "members/fine_tuning/epochs.py",
    "members/fine_tuning/job.py",
    "members/fine_tuning/learner.py",
    "members/fine_tuning/optimizer.py",
    "members/fine_tuning/unfreezing.py",
    "members/heads.py",
    "members/hidden_head.py",
    "members/inference.py",
    "members/predictor.py",
    "members/losses.py",
    "members/precision.py",
    "members/features.py",
    "members/frozen.py",
    "members/speed_measuring.py",
    "members/survey/look.py",
    "members/demo_networks.py",
    "stacking/keras_stack.py",
    "stacking/prediction.py",
    # Runs in Kaggle's notebook.
    "submission/notebook/offline.py",
}
# Modules that import job code and so are job code too, though they do not import Keras themselves.
JOB_ENTRIES = {
    "members/head_fitting.py",
    "members/pseudo_heads.py",
    "members/survey/job.py",
    "stacking/loaded_stack.py",
}
HEAVY = {
    "click": {"cli/"},
    "rich": {"console/"},
    "kaggle": {"submission/kaggle/sign_in.py"},
    "kagglesdk": {"submission/kaggle/client.py", "submission/notebook/code_competition.py"},
    "keras": JOB_CODE,
    # All else is plain Keras 3, which runs on JAX and PyTorch too.
    "tensorflow": {
        "members/board.py",
        "members/converted.py",
        "members/fine_tuning/devices.py",
        "members/speed_measuring.py",
    },
    "onnxruntime": {"members/converted.py"},
    "tf2onnx": {"members/converted.py"},
    "PIL": {"images/", "competition/archives/pixel_tables.py"},
    "matplotlib": {"reports/"},
    "py7zr": {"competition/archives/seven_zip.py"},
    "sklearn": {"competition/", "members/", "stacking/"},
    "requests": {"submission/"},
    "filelock": {"locks.py"},
}


@dataclass(frozen=True)
class Import:
    """One name that a module imports, and where in the module."""

    module: str  # path of the importing module below the package
    line: int
    name: str  # dotted and absolute
    typing_only: bool
    in_function: bool

    @property
    def importer(self) -> str:
        return self.module.split("/")[0].removesuffix(".py")

    @property
    def room(self) -> str:
        """The room of ours that is imported; empty for the package itself and for strangers."""
        parts = self.name.split(".")
        return parts[1] if parts[0] == "ensembler" and len(parts) > 1 else ""

    @property
    def library(self) -> str:
        return self.name.split(".")[0]

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.name}"


def imports_in(source: str, module: str) -> list[Import]:
    """All imports of a module, at any depth."""
    return list(_walk(ast.parse(source), module, typing_only=False, in_function=False))


def _walk(node: ast.AST, module: str, *, typing_only: bool, in_function: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for name in _names(node, module):
            yield Import(module, node.lineno, name, typing_only, in_function)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for child in node.body:
            yield from _walk(child, module, typing_only=True, in_function=in_function)
        for child in node.orelse:
            yield from _walk(child, module, typing_only=typing_only, in_function=in_function)
    else:
        inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, module, typing_only=typing_only, in_function=inside)


def _names(node: ast.Import | ast.ImportFrom, module: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not node.level:
        above = []
    else:
        here = ["ensembler", *Path(module).parts[:-1]]
        above = here[: len(here) - node.level + 1]
    source = ".".join([*above, *([node.module] if node.module else [])])
    return [f"{source}.{alias.name}" for alias in node.names]


MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
IMPORTS = [found for module, path in MODULES.items() for found in imports_in(path.read_text("utf-8"), module)]
AMONG_US = [found for found in IMPORTS if found.library == "ensembler" and found.importer != "__init__"]


def allowed_rooms(room: str) -> set[str]:
    if room in NARROWER:
        return {room, *NARROWER[room]}
    below = set(ORDER[ORDER.index(room) :])
    return below | {"engines"} if room == "workflows" else below


def is_home(module: str, homes: set[str]) -> bool:
    return any(module == home or (home.endswith("/") and module.startswith(home)) for home in homes)


def told(found: list[Import]) -> str:
    return "\n".join(map(str, found))


def test_the_reader_finds_every_kind_of_import():
    source = """
import click, rich.table as t
from . import network
from ..storage import Workspace
from ensembler.errors import BadData
if TYPE_CHECKING:
    from ..competition import layout
def late():
    class Inner:
        try:
            from .. import errors
        except ImportError:
            import kaggle
"""
    found = imports_in(source, "members/some.py")
    assert [(item.name, item.typing_only, item.in_function) for item in found] == [
        ("click", False, False),
        ("rich.table", False, False),
        ("ensembler.backbones.jobs.build", False, False),
        ("ensembler.paths.Workspace", False, False),
        ("ensembler.errors.BadData", False, False),
        ("ensembler.competition.layout", True, False),
        ("ensembler.errors", False, True),
        ("kaggle", False, True),
    ]


def test_every_room_is_known():
    rooms = {Path(module).parts[0].removesuffix(".py") for module in MODULES}
    assert rooms == {*ORDER, "engines", "__init__", "__main__"}


def test_rooms_import_one_way():
    hints = [
        found
        for found in AMONG_US
        if found.importer == "cli" and found.name == "ensembler.competition.layout.layout.Hints"
    ]
    wrong = [
        found
        for found in AMONG_US
        if found.room not in allowed_rooms(found.importer)
        and found not in hints
        and found.name != "ensembler.__version__"
    ]
    assert not wrong, told(wrong)
    early = [found for found in hints if not (found.typing_only or found.in_function)]
    assert not early, told(early)


def test_only_the_command_line_asks_for_the_version():
    assert {found.importer for found in AMONG_US if found.name == "ensembler.__version__"} <= {"cli"}


def test_the_face_of_the_package_imports_nothing_of_ours_when_it_is_loaded():
    early = [
        found
        for found in IMPORTS
        if found.module == "__init__.py" and found.library == "ensembler" and not found.typing_only
    ]
    assert not early, told(early)


def test_the_command_line_loads_rooms_late():
    early = [
        found
        for found in AMONG_US
        if found.importer == "cli"
        and found.room not in {"cli", "errors", "__version__"}
        and not (found.typing_only or found.in_function)
    ]
    assert not early, told(early)


def test_engines_are_used_by_workflows_alone():
    wrong = [found for found in AMONG_US if found.room == "engines" and found.importer not in {"engines", "workflows"}]
    assert not wrong, told(wrong)


@pytest.mark.parametrize("library", HEAVY)
def test_heavy_libraries_stay_at_home(library):
    users = [found for found in IMPORTS if found.library == library]
    strangers = [found for found in users if not is_home(found.module, HEAVY[library])]
    assert not strangers, told(strangers)


def test_kaggle_is_imported_inside_a_function():
    early = [found for found in IMPORTS if found.library in {"kaggle", "kagglesdk"} and not found.in_function]
    assert not early, told(early)


def test_job_code_is_imported_by_job_code_alone():
    jobs = {"ensembler." + module.removesuffix(".py").replace("/", ".") for module in JOB_CODE | JOB_ENTRIES}
    wrong = [
        found
        for found in AMONG_US
        if found.module not in JOB_CODE | JOB_ENTRIES and any((found.name + ".").startswith(job + ".") for job in jobs)
    ]
    assert not wrong, told(wrong)


def loaded_after(code: str) -> set[str]:
    """Top-level modules in a fresh interpreter after ``code``."""
    report = "\nimport sys\nsys.stdout.write(chr(10) + ' '.join({name.split('.')[0] for name in sys.modules}))"
    ended = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    return set(ended.stdout.splitlines()[-1].split())


HEAVY_TO_LOAD = {"tensorflow", "keras", "kaggle", "pandas", "sklearn", "numpy", "scipy", "PIL", "rich", "requests"}
HELP = """
import sys
from ensembler.cli import commands
sys.argv = ["ensembler", *{arguments}, "--help"]
commands.main(standalone_mode=False)
"""


@pytest.mark.parametrize(
    "code",
    [
        "import ensembler",
        "import ensembler.cli",
        HELP.format(arguments=[]),
        HELP.format(arguments=["train-members"]),
        HELP.format(arguments=["stack"]),
    ],
    ids=["package", "command line", "help", "help of train-members", "help of stack"],
)
def test_help_and_the_package_load_nothing_heavy(code):
    assert not loaded_after(code) & HEAVY_TO_LOAD


def test_the_parent_process_never_loads_tensorflow():
    names = sorted(path.stem for path in (PACKAGE / "workflows").glob("[a-z]*.py"))
    code = "\n".join(f"import ensembler.workflows.{name}" for name in names)
    assert not loaded_after(code) & {"tensorflow", "keras", "kaggle"}


@pytest.mark.parametrize("workflow", ["members", "history", "status"])
def test_lists_load_neither_pandas_nor_scikit_learn(workflow):
    assert not loaded_after(f"import ensembler.workflows.{workflow}") & {"pandas", "sklearn", "scipy", "tensorflow"}
