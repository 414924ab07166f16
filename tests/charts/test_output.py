from __future__ import annotations

import functools
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers.charts_made import MADE, NAMES
from PIL import Image

from ensembler.charts.operating_curves import thin_curve
from ensembler.charts.output import check_suffix, format_chart_css, format_svg, save_charts, save_png
from ensembler.charts.style import BLUE, INK
from ensembler.errors import BadChoice, StorageError

MOST_BYTES = 60_000


@pytest.mark.parametrize("kind", MADE)
def test_a_chart_in_a_page_is_small_and_takes_its_colours_from_the_page(kind: str) -> None:
    svg = format_svg(MADE[kind](100))
    root = ElementTree.fromstring(svg)  # of our own making
    assert len(svg.encode()) < MOST_BYTES
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert "viewBox" in root.attrib
    assert not {"width", "height"} & root.attrib.keys()
    described = [element for element in root if element.tag in ("title", "desc")]
    assert [element.get("id") for element in described] == root.attrib["aria-labelledby"].split()
    assert all(element.text for element in described)
    assert "currentColor" in svg
    for colour in (INK, BLUE, "#ffffff", "#000000"):
        assert colour.lower() not in svg.lower()
    assert "DejaVu" not in svg


@functools.cache
def format_made(kind: str, key: str = "a") -> str:
    return format_svg(MADE[kind](3), key)


def test_ids_in_a_page_are_unique_and_lead_somewhere() -> None:
    # These have markers, clipped lines, pictures and patterns; two of a kind must differ, too.
    kinds = ["costs", "costs", "correlations", "correlations", "photo sizes", "reliability", "histogram"]
    page = "".join(format_made(kind, f"k{number}") for number, kind in enumerate(kinds))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = re.findall(r'href="#([^"]+)"', page) + re.findall(r"url\(#([^)]+)\)", page)
    assert set(targets) <= set(ids)
    # The rules of one chart must not apply to the rest of the page.
    for rule in "".join(re.findall(r"<style>(.*?)</style>", page)).split("}")[:-1]:
        assert re.match(r"\.k[0-9]+-s", rule)


def test_names_stay_text_and_markup_is_escaped() -> None:
    svg = format_svg(MADE["scores"](3))
    texts = {element.text for element in ElementTree.fromstring(svg).iter("text")}  # of our own making
    assert {NAMES[0], "\u6ce8\u610f $x_1$ <&> ?"} <= texts


def test_the_same_chart_has_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for path in paths:
        save_png(MADE["costs"](3).build_figure(), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert format_svg(MADE["costs"](3)) == format_svg(MADE["costs"](3))
    assert format_svg(MADE["costs"](3)) != format_svg(MADE["costs"](4))


@pytest.mark.parametrize(("suffix", "start"), [(".PNG", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_pictures_are_of_the_format_of_their_suffix(tmp_path: Path, suffix: str, start: bytes) -> None:
    path = tmp_path / "new" / f"charts{suffix}"
    save_charts([MADE["scores"](3), MADE["costs"](3)], path, "all")
    assert path.read_bytes().startswith(start)
    assert list(path.parent.iterdir()) == [path]


def test_a_png_has_150_dots_per_inch(tmp_path: Path) -> None:
    chart = MADE["histogram"](3)
    save_png(chart.build_figure(), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width == round(chart.width * 150)
        assert np.asarray(picture.convert("L")).min() < 60


@pytest.mark.parametrize("name", ["charts.jpg", "charts", "charts.png.txt"])
def test_other_formats_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadChoice, match=rf"{name}: give a file whose name ends with .png, .svg or .pdf"):
        check_suffix(tmp_path / name)


def test_a_failure_leaves_the_old_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("old", "utf-8")
    figure = MADE["scores"](1).build_figure()

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    figure.savefig = fail  # type: ignore[method-assign]
    with pytest.raises(StorageError):
        save_png(figure, path)
    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_css_has_every_colour_for_light_and_for_dark_pages() -> None:
    css = format_chart_css()
    used = {name for kind in ("costs", "folds") for name in re.findall(r"var\((--chart-[a-z]+)\)", format_made(kind))}
    assert len(used) > 4
    for line in css.splitlines()[:3]:
        assert used <= set(re.findall(r"(--chart-[a-z]+):", line))


@pytest.mark.parametrize("length", [2, 299, 300, 301, 5000])
def test_long_curves_are_thinned_and_keep_their_ends(length: int) -> None:
    x = np.linspace(0, 1, length) ** 3
    thin_x, thin_y = thin_curve(x, np.sqrt(x))
    assert len(thin_x) == len(thin_y) <= 300
    assert (thin_x[0], thin_x[-1]) == (x[0], x[-1])
    assert np.all(np.diff(thin_x) >= 0)
    assert length == 2 or np.interp(0.5, thin_x, thin_y) == pytest.approx(np.sqrt(0.5), abs=0.01)
