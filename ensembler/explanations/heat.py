"""Maps of the parts of a photo that speak for a class: their placement on the photo, and their description."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Rows and columns of each map.
MAP_SIZE = 56
Heat = NDArray[np.float32]
_ROWS, _COLUMNS = ("upper", "", "lower"), ("left", "", "right")
# Share of height and width of the middle part, which is called the centre.
_CENTRE = 0.4
# Standard deviation of the neighbourhood of a place, as a share of height and width.
_NEIGHBOURHOOD = 0.1


def place_on_photo(values: NDArray[Any], view: NDArray[np.float64], size: int = MAP_SIZE) -> NDArray[np.float32]:
    """Turn maps of a view back to the whole photo, and interpolate them bilinearly.

    Parameters
    ----------
    values
        Maps, shape (photos, rows, columns).
    view
        Affine map from positions in the view to positions in the photo, shape (2, 3). Positions are shares of height
        and width.
    size
        Rows and columns of the result.

    Returns
    -------
    array of shape (photos, size, size)
        Values at the positions of the photo, 0 outside of the view.
    """
    centres = (np.arange(size) + 0.5) / size
    photo = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1)
    here = (photo - view[:, 2]) @ np.linalg.inv(view[:, :2]).T
    shape = np.array(values.shape[1:])
    at = np.clip(here * shape - 0.5, 0, shape - 1)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, shape - 1)
    part = (at - low).astype(np.float32)
    upper = _mix(values, low[..., 0], low[..., 1], high[..., 1], part[..., 1])
    lower = _mix(values, high[..., 0], low[..., 1], high[..., 1], part[..., 1])
    inside = ((here >= 0) & (here <= 1)).all(axis=-1)
    return np.asarray((upper * (1 - part[..., 0]) + lower * part[..., 0]) * inside, np.float32)


def _mix(values: NDArray[Any], row: Any, left: Any, right: Any, part: NDArray[np.float32]) -> NDArray[Any]:
    return np.asarray(values[:, row, left] * (1 - part) + values[:, row, right] * part)


def normalise(maps: NDArray[Any]) -> NDArray[np.float32]:
    """Clip maps at 0 and divide each by its sum. A map without a positive value stays 0."""
    positive = np.maximum(maps, 0, dtype=np.float64)
    sums = positive.sum(axis=(-2, -1), keepdims=True)
    return np.asarray(positive / np.where(sums > 0, sums, 1), np.float32)


def name_region(heat: Heat) -> str:
    """Name the part of a photo around which most of a map lies, such as ``centre`` or ``upper left``.

    Its centre of mass would be between two strong places, where nothing may be. An empty map is ``nowhere``.
    """
    if not heat.any():
        return "nowhere"
    around = _weigh_neighbours(len(heat)) @ heat @ _weigh_neighbours(heat.shape[1])
    place = np.unravel_index(int(around.argmax()), heat.shape)
    edges = [(1 - _CENTRE) / 2, (1 + _CENTRE) / 2]
    row, column = (int(np.digitize((at + 0.5) / size, edges)) for at, size in zip(place, heat.shape, strict=True))
    return " ".join(filter(None, (_ROWS[row], _COLUMNS[column]))) or "centre"


def _weigh_neighbours(count: int) -> NDArray[np.float64]:
    """Return the Gaussian weights of ``count`` positions for each of them, shape (count, count)."""
    places = np.arange(count) / count
    return np.asarray(np.exp(-(((places - places[:, None]) / _NEIGHBOURHOOD) ** 2) / 2))


def measure_half_area(heat: Heat) -> float:
    """Return the smallest share of the photo's area that holds half of a map's mass, from 0 to 1."""
    ordered = np.sort(heat, axis=None)[::-1].cumsum(dtype=np.float64)
    if not ordered[-1]:
        return 0.0
    return float((np.searchsorted(ordered, ordered[-1] / 2) + 1) / ordered.size)
