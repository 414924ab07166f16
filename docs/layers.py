"""The imports of the package, and drawings of its layers."""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "ensembler"
# Libraries that are too common to list.
_COMMON = {"ensembler", "numpy", *sys.stdlib_module_names}
_WIDTH = 100
# Node of all modules beside the folders.
_MODULES = "modules"


@dataclass(frozen=True)
class Import:
    """Import of one name by a module.

    Attributes
    ----------
    module
        Path of the importing module below the package, such as ``members/records.py``.
    line
        Number of the line.
    name
        Dotted absolute name of the import.
    typing_only
        Whether the import is below ``TYPE_CHECKING``.
    in_function
        Whether the import is inside a function.
    """

    module: str
    line: int
    name: str
    typing_only: bool = False
    in_function: bool = False

    @property
    def importer(self) -> str:
        """Room of the importing module."""
        return room_of(self.module)

    @property
    def room(self) -> str:
        """Imported room. Empty for the package itself and for other packages."""
        parts = self.name.split(".")
        return parts[1] if parts[0] == "ensembler" and len(parts) > 1 else ""

    @property
    def library(self) -> str:
        """Imported top-level package."""
        return self.name.split(".")[0]

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.name}"


def room_of(module: str) -> str:
    """Return the room of a module, which is its first folder or the module itself."""
    return module.split("/")[0].removesuffix(".py")


def read_imports(source: str, module: str) -> list[Import]:
    """Read all imports of a module at any depth."""
    return list(_walk(ast.parse(source), module, typing_only=False, in_function=False))


def _walk(node: ast.AST, module: str, *, typing_only: bool, in_function: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for name in _list_names(node, module):
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


def _list_names(node: ast.Import | ast.ImportFrom, module: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not node.level:
        above = []
    else:
        here = ["ensembler", *Path(module).parts[:-1]]
        above = here[: len(here) - node.level + 1]
    source = ".".join([*above, *([node.module] if node.module else [])])
    return [f"{source}.{alias.name}" for alias in node.names]


@cache
def list_modules() -> dict[str, Path]:
    """Return the modules of the package by their paths below it."""
    return {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def list_imports() -> tuple[Import, ...]:
    """Read the imports of all modules."""
    return tuple(
        found for name, path in list_modules().items() for found in read_imports(path.read_text("utf-8"), name)
    )


def list_module_arrows() -> dict[str, set[str]]:
    """Return the modules that each module imports, including imports for type checkers."""
    modules = {"ensembler." + name.removesuffix(".py").replace("/", "."): name for name in list_modules()}
    arrows: dict[str, set[str]] = {name: set() for name in list_modules()}
    for found in list_imports():
        target = modules.get(found.name) or modules.get(found.name.rpartition(".")[0])
        if target and target != found.module:
            arrows[found.module].add(target)
    return arrows


def list_room_arrows() -> dict[str, set[str]]:
    """Return the rooms that each room imports. The package's ``__init__`` and ``__main__`` are left out."""
    rooms = {room_of(name) for name in list_modules()} - {"__init__", "__main__"}
    arrows: dict[str, set[str]] = {room: set() for room in rooms}
    for found in list_imports():
        if found.importer in rooms and found.room in rooms and found.room != found.importer:
            arrows[found.importer].add(found.room)
    return arrows


def find_cycles(arrows: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Find sets of nodes that reach each other (Tarjan, Depth-first search and linear graph algorithms, 1972)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    cycles = []

    def visit(node: str) -> None:
        index[node] = lowest[node] = len(index)
        stack.append(node)
        for after in sorted(arrows.get(node, ())):
            if after not in index:
                visit(after)
                lowest[node] = min(lowest[node], lowest[after])
            elif after in stack:
                lowest[node] = min(lowest[node], index[after])
        if lowest[node] == index[node]:
            component = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(component) > 1:
                cycles.append(sorted(component))

    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return cycles


def order_rooms(arrows: Mapping[str, Iterable[str]]) -> list[str]:
    """Order rooms so that each is above all rooms that it imports."""
    depth: dict[str, int] = {}

    def measure(room: str) -> int:
        if room not in depth:
            depth[room] = 1 + max((measure(below) for below in arrows[room]), default=0)
        return depth[room]

    return sorted(arrows, key=lambda room: (-measure(room), room))


def draw_layers() -> str:
    """Draw the folders as a Mermaid graph, without arrows that follow from others.

    The modules beside the folders are one node.
    """
    arrows = list_room_arrows()
    folders = [room for room in order_rooms(arrows) if f"{room}.py" not in list_modules()]

    def reach(room: str) -> set[str]:
        return set(arrows[room]).union(*(reach(below) for below in arrows[room]))

    lines = ["```mermaid", "flowchart TD", f"    {_MODULES}[shared modules]"]
    for room in folders:
        implied: set[str] = set().union(*(reach(below) for below in arrows[room]))
        below = sorted({found for found in arrows[room] - implied if found in folders})
        lines.append(f"    {room} --> {' & '.join(below) or _MODULES}")
    return "\n".join([*lines, "```"])


def list_rooms() -> str:
    """List all folders in the order of the layers, with the libraries they import and their descriptions."""
    lines = []
    imports = list_imports()
    for room in order_rooms(list_room_arrows()):
        paths = [name for name in list_modules() if room_of(name) == room]
        for folder in sorted({path.rpartition("/")[0] for path in paths}):
            inside = [path for path in paths if path.rpartition("/")[0] == folder]
            own = [path for path in inside if path.endswith("__init__.py")] or inside
            libraries = sorted({found.library for found in imports if found.module in inside} - _COMMON)
            shown = f"{folder}/" if folder else inside[0]
            users = f" (imports {', '.join(libraries)})" if libraries else ""
            line = f"- `{shown}`{users}: {_read_summary(own[0])}"
            lines += textwrap.wrap(line, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines)


def _read_summary(module: str) -> str:
    """Read the first sentence of a module's docstring."""
    text = ast.get_docstring(ast.parse(list_modules()[module].read_text("utf-8"))) or ""
    return text.partition("\n")[0].partition(". ")[0].rstrip(".") + "."
