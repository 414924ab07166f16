"""A real browser without a window, for tests of pages."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# With this variable, a missing browser is an error.
NEEDED = "ENSEMBLER_TESTS_NEED_BROWSER"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the browser of this machine; skip the test where there is none, unless one is needed."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = f"none of {', '.join(NAMES)} is installed"
        if os.environ.get(NEEDED):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Opened:
    """An opened page, with what its console said and what it asked for beside its own file."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def open_page(browser: Browser, path: Path, width: int, theme: str, **context: Any) -> Iterator[Opened]:
    """Open a file at a width, in the light or the dark theme of the system."""
    with browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme, **context) as opened:
        page = opened.new_page()
        seen = Opened(page)
        page.on("console", lambda message: seen.said.append(message.text))
        page.on("pageerror", lambda error: seen.said.append(str(error)))
        page.on("request", lambda request: seen.asked.append(request.url))
        page.goto(path.as_uri())
        seen.asked = [url for url in seen.asked if url != path.as_uri() and not url.startswith("data:")]
        yield seen


def find_violations(page: Page) -> list[str]:
    """Run axe-core, and return its serious and critical findings of WCAG 2 A and AA."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec
    assert spec.submodule_search_locations
    page.evaluate((Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text("utf-8"))
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations']})"
    )
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]} {one['nodes'][0].get('failureSummary', '')[:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
