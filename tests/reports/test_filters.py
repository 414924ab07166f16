"""Texts of the page."""

from __future__ import annotations

import json

import pytest

from ensembler.reports.cells import format_significant, shorten
from ensembler.reports.filters import embed_json, format_chance, format_prose, make_visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 漢字", "plain 漢字"),
        ("a\x00b", "a\N{SYMBOL FOR NULL}b"),
        ("a\x7f", "a\N{SYMBOL FOR DELETE}"),
        ("\u202egnp.exe", "[U+202E]gnp.exe"),
        ("\udcff", "\N{REPLACEMENT CHARACTER}"),
        ("two\nlines\tand", "two\nlines\tand"),
    ],
)
def test_what_is_not_shown_is_made_visible(text: str, shown: str) -> None:
    assert make_visible(text) == shown


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "]]>&amp;", "\u2028 \udcff \x00"])
def test_embedded_json_cannot_end_its_element(text: str) -> None:
    embedded = embed_json({"name": text})
    assert not set(embedded) & set("<>&")
    assert json.loads(embedded) == {"name": text}


def test_prose_marks_code_and_escapes() -> None:
    assert str(format_prose("run `a <b>` & go")) == "run <code>a &lt;b&gt;</code> &amp; go"
    assert str(format_prose("one ` alone <i>")) == "one ` alone &lt;i&gt;"


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0, "0.000"), (1, "1.000"), (0.00001, "<.0001"), (0.99999, ">.9999"), (0.0004, "0.0004"), (0.5, "0.500")],
)
def test_only_an_exact_probability_looks_like_one(probability: float, text: str) -> None:
    assert format_chance(probability) == text


def test_names_are_shortened_in_the_middle() -> None:
    assert shorten("short") == "short"
    assert len(shorten("x" * 200, 30)) == 30
    assert shorten("mobilenet-0.75@first-try", 14).startswith("mobilene")
    assert shorten("mobilenet-0.75@first-try", 14).endswith("t-try")


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (1234.5, "1,234"), (12.34, "12.3"), (0.01234, "0.0123")])
def test_significant_digits(number: float, text: str) -> None:
    assert format_significant(number) == text
