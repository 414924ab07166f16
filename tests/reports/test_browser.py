"""The page in a real browser: widths, themes, keyboard, sorting, and that it loads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.browsers import find_violations, open_browser, open_page
from helpers.photos import write_photo
from made_reports import Wanted, make_competition, make_members, make_reported, make_stack
from playwright.sync_api import Browser, Page

from ensembler.submission.kaggle.facts import Submission
from ensembler.submission.ledger.ledger import Ledger
from ensembler.submission.ledger.rows import Answer
from ensembler.workflows.report.report import report

# Names that end an element, a script or a text, that reverse the direction, and that are too long.
EVIL = (
    "<script>alert(1)</script>",
    "</script><b>x",
    "q\"'&`",
    "a" * 200,
    "\u202egnp.exe",
    "tab\x01nul",
    "漢字 👍 $x^2$",
)
WANTED = Wanted(classes=EVIL, rows=70, epochs=3, members=("small", "large", "a-member-with-a-very-long-name" * 4))

# Sizes of the texts of all charts in pixels, and the number of charts that scroll.
TEXT_SIZES = """[...document.querySelectorAll('svg.chart')].flatMap(svg => {
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width
    return [...svg.querySelectorAll('text')].map(text => parseFloat(getComputedStyle(text).fontSize) * scale)
})"""
SCROLLING = "[...document.querySelectorAll('.draw')].filter(one => one.scrollWidth > one.clientWidth).length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page with everything, of a competition whose names are evil, and one of a competition without members."""
    root = tmp_path_factory.mktemp("pages")
    full = make_reported(root / "full", replace(WANTED, photo=lambda path, seed: write_photo(path, seed, (120, 90))))
    ledger = Ledger(full.workspace.submissions)
    csv = next(full.submissions.glob("*.csv"))
    when = datetime(2026, 1, 31, tzinfo=UTC)
    told = Answer(full.name, csv, "aa", 3, "made", stack="both", metric="log loss", own=0.2, own_error=0.01, made=when)
    ledger.mark_accepted(ledger.begin_upload(ledger.record(told), "both"), 1)
    ledger.merge("made", [Submission(1, "COMPLETE", 0.2, when=when)])
    ledger.record(replace(told, sha256="bb", own=None))
    empty, _ = make_competition(root / "empty", replace(WANTED, members=()))
    return {
        "full": report(workspace=full.workspace, explain=False).path,
        "empty": report(workspace=empty.workspace, explain=False).path,
    }


@pytest.fixture
def page(browser: Browser, pages: dict[str, Path]) -> Iterator[Page]:
    with open_page(browser, pages["full"], 1280, "light") as opened:
        yield opened.page


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["full", "empty"])
def test_a_page_is_readable_everywhere_and_loads_nothing(
    browser: Browser, pages: dict[str, Path], name: str, theme: str, width: int
) -> None:
    with open_page(browser, pages[name], width, theme) as opened:
        assert opened.page.locator("main section h2").count() == 6
        assert (opened.said, opened.asked) == ([], [])
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        assert all(8.4 <= size <= 11.1 for size in opened.page.evaluate(TEXT_SIZES))
        assert opened.page.evaluate(SCROLLING) == 0
        assert find_violations(opened.page) == []


def test_names_stay_text(page: Page) -> None:
    texts = page.locator("#classes tbody th").all_inner_texts()
    assert {
        "<script>alert(1)</script>",
        "</script><b>x",
        "q\"'&`",
        "[U+202E]gnp.exe",
        "tab\N{SYMBOL FOR START OF HEADING}nul",
    } <= set(texts)
    assert page.locator("script").count() == 3
    assert page.locator("#classes b").count() == 0
    facts = page.evaluate("JSON.parse(document.getElementById('facts').textContent)")
    assert {one["name"] for one in facts["quality"]["classes"]} == set(EVIL)


def test_tables_sort_by_mouse_and_by_keyboard(page: Page) -> None:
    def read() -> list[str]:
        return page.locator("#losses tbody td:nth-child(2)").all_inner_texts()

    button = page.locator("#losses thead th").nth(1).locator("button")
    button.click()
    assert read() == sorted(read(), key=float)
    button.focus()
    page.keyboard.press("Enter")
    assert read() == sorted(read(), key=float, reverse=True)
    assert page.locator("#losses thead th").nth(1).get_attribute("aria-sort") == "descending"
    page.locator("#losses thead th").first.locator("button").click()
    assert page.locator("#losses thead th").nth(1).get_attribute("aria-sort") == "none"
    names = page.locator("#losses tbody th").all_inner_texts()
    assert names == sorted(names)


def test_unknown_values_are_last_in_both_directions(page: Page) -> None:
    column = page.locator("#submissions thead th").all_inner_texts().index("public score")
    for _ in range(2):
        page.locator("#submissions thead button").nth(column).click()
        cells = page.locator(f"#submissions tbody td:nth-child({column + 1})").all_inner_texts()
        assert cells == ["0.20000", "\N{EN DASH}"]


def test_the_keyboard_reaches_the_text_and_the_theme(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator("#theme").focus()
    shades = []
    for _ in range(3):
        shades.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.keyboard.press("Enter")
    # As the system, which is light, then light, then dark.
    assert shades[0] == shades[1] != shades[2]


def test_long_tables_are_filtered(browser: Browser, tmp_path: Path) -> None:
    wanted = Wanted(classes=tuple(f"class {one}" for one in range(30)), rows=120, members=("only",))
    folder, tables = make_competition(tmp_path, wanted)
    make_members(folder, tables, wanted)
    make_stack(folder, tables, wanted)
    with open_page(browser, report(workspace=folder.workspace, explain=False).path, 390, "light") as opened:
        box = opened.page.get_by_label("Filter").first
        key = str(box.get_attribute("data-filter"))
        box.fill("class 7")
        opened.page.locator(f"[data-count={key}]", has_text=" of 30 rows").wait_for()
        assert opened.page.locator(f"#{key} tbody tr:visible").count() >= 1


def test_reduced_motion_and_print(browser: Browser, pages: dict[str, Path]) -> None:
    with open_page(browser, pages["full"], 1280, "dark", reduced_motion="reduce") as opened:
        assert opened.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
        opened.page.emulate_media(media="print")
        assert not opened.page.locator(".contents").is_visible()
        assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert opened.page.evaluate("getComputedStyle(document.body).getPropertyValue('--chart-paper')") == "#fff"
