"""Labels in JSON as a table: COCO, records, lines of records, and maps of photos to labels."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from ...errors import BadData
from ..manifest import SEPARATOR

# Columns of a map from photos to labels.
PHOTO, LABEL = "photo", "label"


def read_json_table(path: Path) -> pd.DataFrame:
    """Read the labels in a JSON file as a table of text.

    COCO files (``images``, ``annotations`` and ``categories``) have a row per annotation with the columns
    ``file_name``, ``category_id`` and ``category``. A map ``{photo: label}`` has the columns ``photo`` and ``label``.
    Of records, values that are not plain are left out.

    Raises
    ------
    BadData
        If the file cannot be read, or is no table.
    """
    try:
        status = path.stat()
        return _read(path, status.st_size, status.st_mtime_ns).copy()
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise BadData(f"Cannot read {path} as a table ({reason}): correct or replace it.") from error


@lru_cache(maxsize=8)
def _read(path: Path, size: int, time: int) -> pd.DataFrame:
    del size, time  # a changed file is read again
    text = path.read_text("utf-8-sig")
    if path.suffix.lower() == ".json":
        content = json.loads(text)
    else:
        content = [json.loads(line) for line in text.splitlines() if line.strip()]
    return _tabulate(content)


def _tabulate(content: Any) -> pd.DataFrame:
    if isinstance(content, dict):
        if isinstance(content.get("images"), list) and isinstance(content.get("annotations"), list):
            return _tabulate_coco(content)
        values = list(content.values())
        if values and all(isinstance(value, dict) for value in values):
            return _tabulate_records([{PHOTO: key, **value} for key, value in content.items()])
        if len(values) == 1 and _are_records(values[0]):
            return _tabulate(values[0])
        if values and all(_is_plain(value) for value in values):
            cells = {PHOTO: list(content), LABEL: [_format_cell(value) for value in values]}
            return pd.DataFrame(cells, dtype=str)
    if _are_records(content):
        return _tabulate_records(content)
    raise ValueError("it is neither COCO, nor records, nor a map of photos to labels")


def _tabulate_coco(content: dict[str, Any]) -> pd.DataFrame:
    files = {image["id"]: str(image["file_name"]) for image in content["images"] if {"id", "file_name"} <= set(image)}
    names = {one.get("id"): str(one.get("name", "")) for one in content.get("categories") or []}
    found = [one for one in content["annotations"] if one.get("image_id") in files and "category_id" in one]
    if not found:
        raise ValueError("its annotations name no category of an image")
    cells = {
        "file_name": [files[one["image_id"]] for one in found],
        "category_id": [_format_cell(one["category_id"]) for one in found],
    }
    if names:
        cells["category"] = [names.get(one["category_id"], "") for one in found]
    return pd.DataFrame(cells, dtype=str)


def _tabulate_records(records: list[dict[str, Any]]) -> pd.DataFrame:
    columns = list(dict.fromkeys(key for record in records for key, value in record.items() if _is_plain(value)))
    rows = [[_format_cell(record.get(column)) for column in columns] for record in records]
    return pd.DataFrame(rows, columns=columns, dtype=str)


def _are_records(content: Any) -> bool:
    return isinstance(content, list) and bool(content) and all(isinstance(record, dict) for record in content)


def _is_plain(value: Any) -> bool:
    return not isinstance(value, dict | list) or (
        isinstance(value, list) and all(isinstance(item, str | int | float) for item in value)
    )


def _format_cell(value: Any) -> str:
    """Return a value as text. A list of labels is joined as several labels of a photo are."""
    if isinstance(value, list):
        return SEPARATOR.join(map(_format_cell, value)) if _is_plain(value) else ""
    if value is None or isinstance(value, dict):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
