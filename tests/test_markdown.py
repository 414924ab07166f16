"""The layout of the documents: lines of at most 100 characters, short cells, and the opening of the README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WIDTH = 100
WIDEST_CELL = 80
FOLDERS = (".", "data", "submissions", "benchmarks")
PAGES = sorted(
    {page for folder in FOLDERS for page in (ROOT / folder).glob("*.md")}
    | {page for folder in ("docs", "tests") for page in (ROOT / folder).rglob("*.md")}
)
# The mark of a list, a quotation or a heading.
MARK = re.compile(r"^\s*(?:[-*>]|#+|\d+\.)?\s*")
CELL_BORDER = re.compile(r"(?<!\\)\|")
ADDRESS = re.compile(r"\]\([^)]*\)")


def list_lines(page: str) -> Iterator[tuple[int, str]]:
    """List the lines outside of code blocks, with their numbers."""
    is_code = False
    for number, line in enumerate(page.splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield number, line


def is_row(line: str) -> bool:
    return line.lstrip().startswith("|")


def find_long_lines(page: str) -> list[str]:
    """Find lines of prose that are too long and could be broken."""
    return [
        f"{number}: {line}"
        for number, line in list_lines(page)
        if len(line) > WIDTH and not is_row(line) and len(MARK.sub("", line).split()) > 1
    ]


def find_long_cells(page: str) -> list[str]:
    """Find cells of tables that are too long to read there; the addresses of links do not count."""
    cells = (
        (number, cell.strip())
        for number, line in list_lines(page)
        if is_row(line)
        for cell in CELL_BORDER.split(ADDRESS.sub("]", line))
    )
    return [f"{number}: {cell}" for number, cell in cells if len(cell) > WIDEST_CELL]


WORDS = "some words of prose " * 6
CELL = "words in a cell " * 6


@pytest.mark.parametrize(
    ("page", "lines", "cells"),
    [
        ("Short.", 0, 0),
        (WORDS, 1, 0),
        (f"- {WORDS}", 1, 0),
        (f"```\n{WORDS}\n```", 0, 0),
        (f"```\ncode\n```\n{WORDS}", 1, 0),
        (f"- https://example.org/{'x' * 100}", 0, 0),
        (f"| a | {CELL} |", 0, 1),
        (f"| [{'a' * 20}](https://example.org/{'x' * 100}) | b |", 0, 0),
        (f"| a \\| {CELL} |", 0, 1),
    ],
)
def test_the_reader_finds_what_is_too_long(page: str, lines: int, cells: int) -> None:
    assert len(find_long_lines(page)) == lines
    assert len(find_long_cells(page)) == cells


def test_there_are_pages() -> None:
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert {"README.md", "docs/design.md", "docs/commands.md", "benchmarks/README.md", "data/README.md"} <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_lines_wrap_and_tables_hold_no_paragraphs(page: Path) -> None:
    text = page.read_text("utf-8")
    assert find_long_lines(text) == []
    assert find_long_cells(text) == []


def test_the_readme_opens_with_two_sentences_a_transcript_and_the_commands() -> None:
    title, sentences, *rest = (ROOT / "README.md").read_text("utf-8").split("\n\n")
    assert title == "# ensembler"
    assert len(re.findall(r"\.(?:\s|$)", sentences)) == 2
    text = "\n\n".join(rest)
    seen = [text.index(part) for part in ("```text\n$ ensembler ", "make demo", "make test", "\nensembler fetch ")]
    assert seen == sorted(seen)
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 120
