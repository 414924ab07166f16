"""Charts of the data: frequencies of classes, sizes of photos, and distributions of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from .bars import Bar, compute_bar_height, draw_bars
from .chart import Chart, draw_nothing, write_note
from .style import (
    BLUE,
    INK,
    ORANGE,
    SMALL_FONT,
    WIDTH,
    format_axes,
    format_number_axis,
    make_outline,
    shorten_name,
)

# Classes up to which each has a bar.
MAX_BARS = 40
# Different sizes up to which each is a point.
MAX_SIZES = 300
_BINS = 40
# Its palest colour is visible on white and on dark paper.
_SCALE = LinearSegmentedColormap.from_list("photos", ["#B9DBF0", "#2F7FBC", "#08306B"])


@dataclass(frozen=True)
class ClassCount:
    """A class, and the number of its training photos."""

    name: str
    photos: int


@dataclass(frozen=True)
class Mark:
    """A value that a histogram marks by a line, such as a threshold."""

    value: float
    label: str


def build_class_frequency_chart(classes: Sequence[ClassCount], *, title: str = "Photos of each class") -> Chart:
    """Build the chart of the numbers of photos of all classes, the most frequent first.

    Up to 40 classes are bars. More are a curve over the rank of the class, whose ends are named.
    """
    ordered = sorted(classes, key=lambda one: (-one.photos, one.name))
    total = max(1, sum(one.photos for one in ordered))
    described = f"{len(ordered):,} classes and {total:,} photos."
    if ordered:
        first, last = ordered[0], ordered[-1]
        described += f" The most frequent is {first.name} ({first.photos:,}), the rarest {last.name} ({last.photos:,})."
    if len(ordered) <= MAX_BARS:
        bars = [Bar(one.name, one.photos, f"{one.photos:,}, {one.photos / total:.1%}") for one in ordered]
        height = compute_bar_height(len(bars))
        return Chart(title, described, WIDTH, height, lambda place: draw_bars(place, bars, "training photos"))
    return Chart(title, described, WIDTH, 3.4, lambda place: _draw_ranks(place, ordered))


def _draw_ranks(place: FigureBase, ordered: Sequence[ClassCount]) -> None:
    axes = place.subplots()
    counts = np.array([one.photos for one in ordered])
    ranks = np.arange(1, len(counts) + 1)
    kept = np.unique(np.linspace(0, len(counts) - 1, 400).round().astype(int))
    axes.fill_between(ranks[kept], counts[kept], step="mid", color=BLUE, alpha=0.35, linewidth=0)
    axes.plot(ranks[kept], counts[kept], color=BLUE, drawstyle="steps-mid", linewidth=1.4)
    format_axes(axes, x="rank of the class by its number of photos", y="training photos")
    if counts.min() > 0 and counts.max() > 20 * counts.min():
        axes.set_yscale("log")
        format_number_axis(axes.yaxis, logarithmic=True)
    else:
        axes.set_ylim(0, counts.max() * 1.1)
        format_number_axis(axes.yaxis, whole=True)
    format_number_axis(axes.xaxis, whole=True)
    first, last = ordered[0], ordered[-1]
    for one, rank, side in ((first, 1, "left"), (last, len(ordered), "right")):
        axes.annotate(
            f"{shorten_name(one.name)}: {one.photos:,}",
            (rank, max(one.photos, 1e-9)),
            xytext=(6 if side == "left" else -2, 6),
            textcoords="offset points",
            ha=side,
            va="bottom",
            fontsize=SMALL_FONT,
            color=INK,
            path_effects=make_outline(),
        )


def build_photo_size_chart(
    widths: Sequence[int] | NDArray[np.integer],
    heights: Sequence[int] | NDArray[np.integer],
    *,
    title: str = "Sizes of photos",
) -> Chart:
    """Build the chart of the widths and heights of photos in pixels.

    Up to 300 different sizes are points whose area is the number of photos. More are hexagons.
    """
    sizes, counts = np.unique(np.stack([np.asarray(widths), np.asarray(heights)], axis=1), axis=0, return_counts=True)
    total = int(counts.sum())
    described = f"Widths and heights of {total:,} photos of {len(sizes):,} different sizes."
    if len(sizes):
        (w, h), count = sizes[counts.argmax()], counts.max()
        described += f" The most frequent is {w} by {h} pixels ({count:,} photos)."
    return Chart(title, described, 4.8, 3.9, lambda place: _draw_sizes(place, sizes, counts))


def _draw_sizes(place: FigureBase, sizes: NDArray[np.integer], counts: NDArray[np.integer]) -> None:
    if not len(sizes):
        draw_nothing(place, "No photo was measured yet.")
        return
    axes = place.subplots()
    format_axes(axes, x="width in pixels", y="height in pixels")
    scales = [_choose_scale(values) for values in sizes.T]
    if len(sizes) <= MAX_SIZES:
        _draw_size_points(axes, sizes, counts)
        axes.set_xscale(scales[0])
        axes.set_yscale(scales[1])
    else:
        _draw_size_hexagons(axes, sizes, counts, scales)
    for axis, scale in zip((axes.xaxis, axes.yaxis), scales, strict=True):
        format_number_axis(axis, logarithmic=scale == "log")
    (width, height), count = sizes[counts.argmax()], counts.max()
    share = count / counts.sum()
    write_note(
        place,
        f"The most frequent size is {width} by {height} pixels: {count:,} of {counts.sum():,} photos, {share:.0%}.",
    )


def _choose_scale(values: NDArray[np.integer]) -> Literal["linear", "log"]:
    return "log" if values.min() > 0 and values.max() > 8 * values.min() else "linear"


def _draw_size_points(axes: Axes, sizes: NDArray[np.integer], counts: NDArray[np.integer]) -> None:
    areas = 10 + 150 * counts / counts.max()
    axes.scatter(sizes[:, 0], sizes[:, 1], s=areas, color=BLUE, alpha=0.55, linewidths=0)
    axes.margins(0.1)


def _draw_size_hexagons(
    axes: Axes, sizes: NDArray[np.integer], counts: NDArray[np.integer], scales: Sequence[Literal["linear", "log"]]
) -> None:
    drawn = axes.hexbin(
        sizes[:, 0],
        sizes[:, 1],
        C=counts,
        reduce_C_function=np.sum,
        gridsize=30,
        bins="log",
        xscale=scales[0],
        yscale=scales[1],
        cmap=_SCALE,
        linewidths=0.2,
        antialiased=False,
        rasterized=True,
    )
    bar = axes.figure.colorbar(drawn, ax=axes, label="photos")
    format_number_axis(bar.ax.yaxis, logarithmic=True)


def build_histogram_chart(
    values: Sequence[float] | NDArray[np.floating],
    *,
    value_label: str,
    count_label: str = "photos",
    marks: Sequence[Mark] = (),
    title: str = "",
) -> Chart:
    """Build the histogram of numbers, such as the scores of a doubt.

    Parameters
    ----------
    values
        Numbers. NaN and infinity are counted below the chart.
    value_label, count_label
        Names of the axes.
    marks
        Values with a line and a label, such as the threshold from which a doubt is listed.
    """
    numbers = np.asarray(values, dtype=np.float64)
    finite = numbers[np.isfinite(numbers)]

    def draw(place: FigureBase) -> None:
        if not len(finite):
            draw_nothing(place, "No value is known.")
            return
        axes = place.subplots()
        _draw_histogram(axes, finite, marks)
        format_axes(axes, x=value_label, y=count_label, grid="y")
        left_out = len(numbers) - len(finite)
        write_note(place, f"{left_out:,} of {len(numbers):,} are unknown." if left_out else "")

    ends = f", from {finite.min():.4g} to {finite.max():.4g}, median {np.median(finite):.4g}" if len(finite) else ""
    described = f"Histogram of {value_label} over {len(finite):,} {count_label}{ends}."
    return Chart(title or f"Distribution of {value_label}", described, WIDTH, 2.9, draw)


def _draw_histogram(axes: Axes, values: NDArray[np.float64], marks: Sequence[Mark]) -> None:
    counts, _ = np.histogram(values, bins=_BINS)
    low, high = float(values.min()), float(values.max())
    limits = (low, high) if high > low else (low - 0.5, high + 0.5)
    # A few tall bars would hide the others.
    logarithmic = bool(counts.max() > 50 * max(1, np.median(counts[counts > 0])))
    axes.hist(values, bins=_BINS, range=limits, color=BLUE, log=logarithmic)
    format_number_axis(axes.xaxis)
    format_number_axis(axes.yaxis, logarithmic=logarithmic, whole=True)
    for number, mark in enumerate(marks):
        axes.axvline(mark.value, color=ORANGE, linewidth=1.4)
        axes.annotate(
            mark.label,
            (mark.value, 1 - 0.1 * (number % 4)),
            xycoords=axes.get_xaxis_transform(),
            xytext=(4, -2) if mark.value < (low + high) / 2 else (-4, -2),
            textcoords="offset points",
            ha="left" if mark.value < (low + high) / 2 else "right",
            va="top",
            fontsize=SMALL_FONT,
            color=ORANGE,
            path_effects=make_outline(),
        )
