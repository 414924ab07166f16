"""Descriptions of parameters read as sentences without their names, and old-fashioned words stay out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ensembler"
SECTIONS = ("Parameters", "Attributes", "Returns")
# "seed: Of the order." needs its label; "seed: Seed of the shuffling." does not.
FRAGMENT = re.compile(
    r"(Of|In|On|By|With|For|As|From|At|To|Over|Under|After|Before|Between|Beside|Below|Above|Within|Without|Into|Per|That"
    r"|Which|Where|What|How|When|Who|Else|Those|Is|Are|Has)\b"
)


def iterate_docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Return line and text of each docstring of a module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), text


def iterate_entries(docstring: str) -> Iterator[tuple[str, str]]:
    """Return name and description of each entry of numpydoc's sections."""
    for section in re.split(r"\n\n(?=\w+(?: \w+)*\n-{3,}\n)", docstring)[1:]:
        title, _, *lines = section.splitlines()
        if title not in SECTIONS:
            continue
        for entry in re.split(r"\n(?=\S)", "\n".join(lines)):
            name, _, text = entry.partition("\n")
            yield name, " ".join(text.split())


def find_fragments(docstring: str) -> list[str]:
    """Return the entries that are no sentences by themselves."""
    return [
        f"{name}: {text}"
        for name, text in iterate_entries(docstring)
        if text and (FRAGMENT.match(text) or not text.endswith((".", ":", "```", ")")))
    ]


@pytest.mark.parametrize("room", sorted(path.name for path in PACKAGE.iterdir() if path.suffix in ("", ".py")))
def test_descriptions_read_without_their_names(room: str) -> None:
    files = (PACKAGE / room).rglob("*.py") if (PACKAGE / room).is_dir() else [PACKAGE / room]
    fragments = [
        f"{path.relative_to(PACKAGE)}:{line}: {entry}"
        for path in files
        for line, docstring in iterate_docstrings(path)
        for entry in find_fragments(docstring)
    ]
    assert not fragments, "\n".join(fragments)


@pytest.mark.parametrize(
    ("description", "fragment"),
    [
        ("seed\n    Of the order.", True),
        ("seed\n    Seed of the shuffling.", False),
        ("seed\n    Seed of the shuffling", True),
        ("first, second\n    Where to look.", True),
        ("path : Path\n    Path of the file. None\n    stores nothing.", False),
    ],
)
def test_a_fragment_is_found(description: str, fragment: bool) -> None:
    docstring = f"Shuffle photos.\n\nParameters\n----------\n{description}\n\nRaises\n------\nValueError\n    If so."
    assert bool(find_fragments(docstring)) == fragment
