"""The structure of the package: who may import whom, where heavy libraries live, and where job code lives."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from layers import (
    PACKAGE,
    Import,
    find_cycles,
    list_imports,
    list_module_arrows,
    list_modules,
    list_room_arrows,
    order_rooms,
    read_imports,
)
from regenerate import LAYERED, PART, redraw

# These import less than the order of the layers would give them.
NARROW = {
    "console": {"progress", "events", "figures", "job_speeds", "process_memory"},
    "event_file": {"progress", "events", "errors"},
    "engines": {
        "callers",
        "compilation_cache",
        "job_files",
        "progress",
        "events",
        "job_speeds",
        "lock_waiting",
        "locks",
        "keras_backend",
        "machine_limits",
        "paths",
        "process_memory",
        "serialization",
        "storage",
        "errors",
        "versions",
    },
    "charts": {"storage", "errors"},
    "progress": {"events", "errors"},
    "serialization": {"storage", "errors"},
    "storage": {"errors"},
    "locks": {"errors"},
    "tables": {"errors", "serialization"},
    "events": {"callers"},
    "compilation_cache": {"paths"},
    "keras_backend": {"errors"},
    "errors": {"callers"},
    "callers": set[str](),
    "job_files": set[str](),
    "job_speeds": set[str](),
    "process_memory": set[str](),
    "machine_limits": set[str](),
    "versions": {"keras_backend"},
}
# The command line takes options from their declarations, runs workflows and shows what they return. From other rooms it
# takes types alone.
CLI = {
    "console",
    "event_file",
    "workflows",
    "tables",
    "options",
    "progress",
    "events",
    "paths",
    "storage",
    "errors",
    "callers",
    "figures",
}
CLI_TYPES = {"AnswerScore", "Difference", "Hints", "Row", "Scores", "FIELD_NAMES"}
# Stages of work, in the order in which a person goes through them. Each may use those before it.
STAGES = (
    "fetch",
    "layout",
    "folds",
    "survey",
    "train",
    "members",
    "stack",
    "distill",
    "predict",
    "turn",
    "export",
    "check",
    "explain",
    "submit",
    "status",
    "report",
    "demo",
    "slurm",
)
# What all stages share.
SHARED = {"backbones", "competition", "config", "engine", "machine", "member_scores", "plots", "results", "scratch"}
HEAVY = {
    "click": "cli/",
    "rich": "console/|tables.py",
    "kaggle": "submission/kaggle/sign_in.py",
    "kagglesdk": "submission/",
    "requests": "submission/",
    "keras": "jobs/",
    "tensorflow": "jobs/",
    "jax": "jobs/",
    "tensorboard": "jobs/",
    "onnxruntime": "jobs/",
    "tf2onnx": "jobs/",
    "onnx": "jobs/",
    "openvino": "exports/jobs/|inference/jobs/",
    "nncf": "exports/jobs/",
    "ai_edge_litert": "exports/jobs/",
    "PIL": "images/|competition/archives/|competition/pictures/|checks/|explanations/",
    "matplotlib": "charts/",
    "py7zr": "competition/archives/seven_zip.py",
    "sklearn": "competition/|heads/|stacking/|checks/|reports/",
    "cleanlab": "checks/",
    "jinja2": "reports/",
    "mlflow": "tracking/",
    "filelock": "locks.py",
    "ray": "engines/ray/",
}
# Pillow, Keras and what runs networks beside it: plain Keras 3 elsewhere, so that it runs on JAX and PyTorch too.
TENSORFLOW = {
    "backbones/jobs/devices.py",
    "explanations/jobs/gradients.py",
    "exports/jobs/convert.py",
    "exports/jobs/litert_files.py",
    "exports/jobs/opened.py",
    "exports/jobs/saved_models.py",
    "inference/jobs/converted.py",
    "members/fine_tuning/jobs/devices.py",
}
MOST_MODULES = 20
LONGEST_MODULE = 400

IMPORTS = list_imports()
OURS = [found for found in IMPORTS if found.library == "ensembler" and found.importer not in {"__init__", "__main__"}]


def is_job_code(module: str) -> bool:
    """Code that runs in job processes alone lies below a folder named ``jobs``."""
    return "jobs" in Path(module).parts[:-1]


def listed(found: list[Import]) -> str:
    return "\n".join(map(str, found))


def test_the_reader_finds_every_kind_of_import() -> None:
    source = """
import click, rich.table as t
from . import network
from ..paths import Workspace
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
    found = read_imports(source, "members/some.py")
    assert [(item.name, item.typing_only, item.in_function) for item in found] == [
        ("click", False, False),
        ("rich.table", False, False),
        ("ensembler.members.network", False, False),
        ("ensembler.paths.Workspace", False, False),
        ("ensembler.errors.BadData", False, False),
        ("ensembler.competition.layout", True, False),
        ("ensembler.errors", False, True),
        ("kaggle", False, True),
    ]


@pytest.mark.parametrize(
    ("arrows", "cycles"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, []),
        ({"a": ["b"], "b": ["a"], "c": ["a"]}, [["a", "b"]]),
        ({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["e"], "e": ["d"]}, [["a", "b", "c"], ["d", "e"]]),
    ],
)
def test_the_reader_finds_every_cycle(arrows: dict[str, list[str]], cycles: list[list[str]]) -> None:
    assert sorted(find_cycles(arrows)) == cycles


def test_the_reader_reads_the_package() -> None:
    assert len(list_modules()) > 300
    assert "ensembler.errors.BadData" in {found.name for found in IMPORTS}
    assert "errors.py" in list_module_arrows()["storage.py"]


def test_no_modules_import_each_other_not_even_for_type_checkers() -> None:
    assert not find_cycles(list_module_arrows())


def test_rooms_import_one_way() -> None:
    arrows = list_room_arrows()
    assert not find_cycles(arrows)
    order = order_rooms(arrows)
    assert all(order.index(room) < order.index(below) for room in arrows for below in arrows[room])


@pytest.mark.parametrize("room", NARROW)
def test_some_rooms_import_less(room: str) -> None:
    assert list_room_arrows()[room] <= NARROW[room]


def test_the_command_line_takes_types_alone_from_rooms_below_workflows() -> None:
    wrong = [
        found
        for found in OURS
        if found.importer == "cli"
        and found.room not in CLI | {"cli"}
        and not found.typing_only
        and found.name != "ensembler.__version__"
        and found.name.rpartition(".")[2] not in CLI_TYPES
    ]
    assert not wrong, listed(wrong)


def test_only_the_command_line_asks_for_the_version() -> None:
    assert {found.importer for found in OURS if found.name == "ensembler.__version__"} <= {"cli"}


def test_the_face_of_the_package_imports_nothing_of_ours_when_it_is_loaded() -> None:
    early = [
        found
        for found in IMPORTS
        if found.module == "__init__.py" and found.library == "ensembler" and not found.typing_only
    ]
    assert not early, listed(early)


def test_the_command_line_loads_rooms_late() -> None:
    early = [
        found
        for found in OURS
        if found.importer == "cli"
        and found.room not in {"cli", "errors", "callers", "__version__"}
        and not (found.typing_only or found.in_function)
    ]
    assert not early, listed(early)


def test_engines_are_used_by_workflows_alone() -> None:
    wrong = [found for found in OURS if found.room == "engines" and found.importer not in {"engines", "workflows"}]
    assert not wrong, listed(wrong)


def stage_of(module: str) -> str:
    return Path(module).parts[1].removesuffix(".py")


def test_stages_import_what_comes_before_them() -> None:
    stages = {stage_of(name) for name in list_modules() if name.startswith("workflows/")} - {"__init__"}
    assert stages == {*STAGES, *SHARED}
    wrong = []
    for found in OURS:
        if found.importer == found.room == "workflows":
            importer, imported = stage_of(found.module), found.name.split(".")[2]
            allowed = SHARED if importer in SHARED else {*SHARED, *STAGES[: STAGES.index(importer) + 1]}
            wrong += [found] if imported not in allowed else []
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("library", HEAVY)
def test_heavy_libraries_stay_at_home(library: str) -> None:
    users = [found for found in IMPORTS if found.library == library]
    assert users, f"nobody imports {library}"
    home = re.compile(rf"(?:.*/)?{HEAVY[library]}" if HEAVY[library] == "jobs/" else HEAVY[library])
    strangers = [found for found in users if not home.match(found.module)]
    assert not strangers, listed(strangers)


def test_tensorflow_itself_is_needed_in_few_places() -> None:
    assert {found.module for found in IMPORTS if found.library == "tensorflow"} == TENSORFLOW


def test_kaggle_is_imported_inside_a_function() -> None:
    early = [found for found in IMPORTS if found.library in {"kaggle", "kagglesdk"} and not found.in_function]
    assert not early, listed(early)


def test_job_code_is_imported_by_job_code_alone() -> None:
    jobs = tuple(
        "ensembler." + name.removesuffix(".py").replace("/", ".") for name in list_modules() if is_job_code(name)
    )
    assert len(jobs) > 30
    wrong = [
        found
        for found in OURS
        if not is_job_code(found.module) and (found.name in jobs or found.name.rpartition(".")[0] in jobs)
    ]
    assert not wrong, listed(wrong)


def test_no_folder_has_too_many_modules() -> None:
    counts = Counter(name.rpartition("/")[0] for name in list_modules() if not name.endswith("__init__.py"))
    assert {folder: count for folder, count in counts.items() if count > MOST_MODULES} == {}


def test_no_module_is_too_long() -> None:
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in list_modules().items()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


@pytest.mark.parametrize("page", LAYERED, ids=lambda page: page.name)
def test_the_layers_in_the_documents_are_those_of_the_imports(page: Path) -> None:
    text = page.read_text("utf-8")
    assert PART.search(text)
    assert redraw(text) == text, "run `python docs/regenerate.py`"


@pytest.mark.parametrize(
    ("page", "line"),
    list(zip(LAYERED, [r"(?m)^ +stacking --> .*\n", r"(?m)^- `stacking/`.*\n"], strict=True)),
    ids=["layers", "rooms"],
)
def test_redrawing_mends_a_stale_page_and_keeps_the_words_around_it(page: Path, line: str) -> None:
    text = page.read_text("utf-8")
    stale = re.sub(line, "", text, count=1)
    assert stale != text
    assert redraw(stale) == text


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
def test_help_and_the_package_load_nothing_heavy(code: str) -> None:
    assert not loaded_after(code) & HEAVY_TO_LOAD


def test_the_parent_process_never_loads_tensorflow() -> None:
    code = "\n".join(
        "import ensembler." + name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in list_modules()
        if not is_job_code(name) and name not in {"__init__.py", "__main__.py"}
    )
    assert not loaded_after(code) & {"tensorflow", "jax", "keras", "kaggle", "onnxruntime"}


@pytest.mark.parametrize("workflow", ["members.listing", "submit.submissions", "status.status"])
def test_lists_load_neither_pandas_nor_scikit_learn(workflow: str) -> None:
    assert not loaded_after(f"import ensembler.workflows.{workflow}") & {"pandas", "sklearn", "scipy", "tensorflow"}


def test_tests_mirror_the_rooms() -> None:
    tests = Path(__file__).parent
    folders = {path.parent.relative_to(tests).as_posix() for path in tests.rglob("test_*.py")} - {
        ".",
        "benchmarks",
        "on_jax",
    }
    assert {folder for folder in folders if not (PACKAGE / folder).is_dir()} == set()
