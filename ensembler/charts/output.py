"""Files of charts, and charts inside HTML pages."""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from matplotlib.figure import Figure
from matplotlib.text import Text

from ..errors import BadChoice
from ..storage import write_file_atomically
from .chart import Chart, apply_style, arrange_charts
from .style import BLUE, FONT, GREY, GRID, INK, MUTED, ORANGE, PAPER, SKY, SMALL_FONT

PNG_DOTS_PER_INCH = 150
SUFFIXES = (".png", ".svg", ".pdf")
# Dots per inch of parts of an SVG that are pixels, such as a heat map.
_PIXELS_PER_INCH = 90
# Sizes of the smallest and the largest text of a chart in a page, in pixels.
_LEAST_PIXELS, _MOST_PIXELS = 8.5, 11.0

# Names of the CSS variables of a page, with the colours in a light page and in a dark one. Text is ``currentColor``.
_VARIABLES = {
    "chart-muted": (MUTED, "#B0B0B0"),
    "chart-grid": (GRID, "#3A3A3A"),
    "chart-paper": (PAPER, "#16181C"),
    "chart-blue": (BLUE, "#6CB6F0"),
    "chart-orange": (ORANGE, "#F2A154"),
    "chart-sky": (SKY, "#3F8FC4"),
    "chart-grey": (GREY, "#9A9A9A"),
}
_FONT_VARIABLE = "chart-font"
_REPLACEMENTS = {
    INK.lower(): "currentColor",
    **{light.lower(): f"var(--{name})" for name, (light, _) in _VARIABLES.items()},
}
_COLOUR = re.compile("|".join(_REPLACEMENTS), re.IGNORECASE)
# Versions of matplotlib write one property or two.
_FONT = re.compile(r"font: (?P<font>[^;'\"]*?px) [^;]*|font-family: [^;]*")
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_OUTLINED = "outlined-text"
_OUTLINE = f"paint-order: stroke; stroke: {PAPER}; stroke-width: 2.5px; stroke-linejoin: round"
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"


def check_suffix(path: Path) -> Path:
    """Return the path of a picture if its suffix is that of a known format.

    Raises
    ------
    BadChoice
        If it is not.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise BadChoice(f"A picture cannot be written to {path}: give a file whose name ends with .png, .svg or .pdf.")
    return path


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG at 150 dots per inch. Its bytes depend only on the figure.

    Raises
    ------
    StorageError
        If writing fails.
    """
    _save(figure, path, ".png")


def save_charts(charts: Sequence[Chart], path: Path, title: str = "") -> None:
    """Write charts into one picture, in the format of the path's suffix.

    Raises
    ------
    BadChoice
        If the suffix is not .png, .svg or .pdf.
    StorageError
        If writing fails.
    """
    suffix = check_suffix(path).suffix.lower()
    _save(arrange_charts(charts, title), path, suffix)


def _save(figure: Figure, path: Path, suffix: str) -> None:
    metadata = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[suffix]
    with apply_style(), write_file_atomically(path) as temporary:
        figure.savefig(temporary, format=suffix[1:], dpi=PNG_DOTS_PER_INCH, metadata=metadata)


def format_chart_css() -> str:
    """Return CSS that gives charts their colours in light and in dark pages.

    A page that is dark by a choice of its reader sets ``data-theme="dark"`` or ``"light"`` at its root element.
    """
    light, dark = (" ".join(f"--{name}: {colours[place]};" for name, colours in _VARIABLES.items()) for place in (0, 1))
    return (
        f":root {{ {light} }}\n"
        f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {dark} }} }}\n'
        f':root[data-theme="dark"] {{ {dark} }}\n'
        "svg.chart { width: 100%; height: auto; overflow: visible; }\n"
    )


def format_svg(chart: Chart, key: str = "") -> str:
    """Return a chart as an SVG element for an HTML page, without its title in the picture.

    Text and lines take their colours from the page: ``currentColor`` and the variables of :func:`format_chart_css`. The
    ground is transparent, the width is that of the page, and the title and the description are there for screen
    readers. The bytes depend only on the chart and the key.

    Parameters
    ----------
    chart
        Chart.
    key
        Text of letters and digits that is the beginning of all ids, and different for each chart of a page. Empty takes
        a hash of the chart.
    """
    buffer = io.StringIO()
    figure = chart.build_figure(titled=False)
    _mark_outlined_texts(figure)
    with apply_style():
        figure.savefig(buffer, format="svg", dpi=_PIXELS_PER_INCH, transparent=True, metadata={"Date": None})
    root = ElementTree.fromstring(buffer.getvalue())  # noqa: S314 (of our own making)
    key = key or f"c{hashlib.sha256(buffer.getvalue().encode()).hexdigest()[:8]}"
    _rename_ids(root, key)
    _restyle(root)
    _compress(root, key)
    _name_picture(root, chart, key)
    return _serialize(root)


def _mark_outlined_texts(figure: Figure) -> None:
    """Let CSS draw the outlines of texts, because matplotlib would turn outlined texts into paths."""
    for text in figure.findobj(Text):
        if text.get_path_effects():
            text.set_path_effects([])
            text.set_gid(_OUTLINED)


def _list_elements(root: ElementTree.Element) -> Iterator[ElementTree.Element]:
    return (element for element in root.iter() if isinstance(element.tag, str))


def _rename_ids(root: ElementTree.Element, key: str) -> None:
    """Remove all ids that nothing refers to, and give the others names that are unique in a page."""
    link = f"{{{_XLINK}}}href"
    used = {element.get(link, "").removeprefix("#") for element in root.iter()}
    used |= {name for element in root.iter() for value in element.attrib.values() for name in _REFERENCE.findall(value)}
    names = {old: f"{key}-{number}" for number, old in enumerate(sorted(used - {""}))}
    for element in _list_elements(root):
        old = element.attrib.pop("id", "")
        if old in names:
            element.set("id", names[old])
        elif old == _OUTLINED:
            element.set("style", _OUTLINE)
        for name, value in list(element.attrib.items()):
            if name == link:
                del element.attrib[name]
                element.set("href", f"#{names[value[1:]]}" if value.startswith("#") else value)
            elif "url(#" in value:
                element.set(name, _REFERENCE.sub(lambda found: f"url(#{names[found[1]]})", value))


def _restyle(root: ElementTree.Element) -> None:
    """Take colours and fonts from the page, and shorten numbers."""
    for parent in list(root.iter()):
        for child in list(parent):
            # The style of the file would apply to the whole page.
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style") or (
                child.tag == f"{{{_SVG}}}defs" and not len(child)
            ):
                parent.remove(child)
            elif child.tag == f"{{{_SVG}}}defs":
                for inner in list(child):
                    if inner.tag == f"{{{_SVG}}}style":
                        child.remove(inner)
    for element in _list_elements(root):
        for name in ("style", "fill", "stroke"):
            if name in element.attrib:
                style = _COLOUR.sub(lambda found: _REPLACEMENTS[found[0].lower()], element.attrib[name])
                element.set(name, _FONT.sub(_take_font, style))
        for name in ("d", "transform", "x", "y", "width", "height"):
            if name in element.attrib:
                element.set(
                    name, _NUMBER.sub(lambda found: f"{float(found[0]):.1f}", " ".join(element.attrib[name].split()))
                )
        if element.text and not element.text.strip():
            element.text = None
        element.tail = None


def _take_font(found: re.Match[str]) -> str:
    family = f"var(--{_FONT_VARIABLE}, sans-serif)"
    return f"font: {found['font']} {family}" if found["font"] else f"font-family: {family}"


def _compress(root: ElementTree.Element, key: str) -> None:
    """Remove what has no effect, and write styles that repeat once."""
    for element in _list_elements(root):
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
    _unwrap(root)
    counts = Counter(element.get("style", "") for element in _list_elements(root))
    repeated = [style for style, count in counts.items() if count > 2 and len(style) > 20]
    names = {style: f"{key}-s{number}" for number, style in enumerate(repeated)}
    for element in _list_elements(root):
        if (style := element.get("style", "")) in names:
            del element.attrib["style"]
            element.set("class", names[style])
    sheet = ElementTree.Element(f"{{{_SVG}}}style")
    sheet.text = "".join(f".{name}{{{style}}}" for style, name in names.items())
    if names:
        root.insert(0, sheet)


def _unwrap(parent: ElementTree.Element) -> None:
    """Replace groups without attributes by what they contain, and remove invisible shapes."""
    children = []
    for child in list(parent):
        if not isinstance(child.tag, str):
            continue
        _unwrap(child)
        is_group = child.tag == f"{{{_SVG}}}g" and not child.attrib
        is_invisible = child.get("style") == "fill: none" or (child.tag == f"{{{_SVG}}}defs" and not len(child))
        children += [] if is_invisible else list(child) if is_group else [child]
    parent[:] = children


def _name_picture(root: ElementTree.Element, chart: Chart, key: str) -> None:
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    attributes: dict[str, Any] = {
        "class": "chart wide" if chart.least_width >= chart.width else "chart",
        "role": "img",
        "aria-labelledby": f"{key}-title {key}-desc",
        "style": f"{_limit_width(chart)}; stroke-linejoin: round; stroke-linecap: butt",
    }
    root.attrib.update(attributes)
    for place, (tag, text) in enumerate((("title", chart.title), ("desc", chart.description))):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{key}-{tag}"})
        element.text = _clean(text)
        root.insert(place, element)


def _limit_width(chart: Chart) -> str:
    """Return CSS by which the chart's text has 8.5 to 11 pixels in a page."""
    points = 72 * chart.width
    least = f"; min-width: {points * _LEAST_PIXELS / SMALL_FONT:.0f}px" if chart.least_width >= chart.width else ""
    return f"max-width: {points * _MOST_PIXELS / FONT:.0f}px{least}"


def _clean(text: str) -> str:
    """Remove what XML cannot contain."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]", "?", text)


def _serialize(root: ElementTree.Element) -> str:
    """Return the text of an element, without prefixes of namespaces, which HTML does not know."""
    for element in _list_elements(root):
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        for name in [name for name in element.attrib if name.startswith("{")]:
            element.set(name.rpartition("}")[2], element.attrib.pop(name))
    return ElementTree.tostring(root, encoding="unicode")
