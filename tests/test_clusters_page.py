"""The examples of docs/clusters.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "clusters.md"


def read_example() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    example: dict[str, Any] = yaml.safe_load(text)
    return example


def test_the_cloud_file_is_valid_by_the_schema_of_ray() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = Path(pytest.importorskip("ray").__file__).parent / "autoscaler" / "ray-schema.json"
    validator = jsonschema.Draft7Validator(json.loads(schema.read_text("utf-8")))
    assert list(map(str, validator.iter_errors(read_example()))) == []
    wrong = {**read_example(), "max_workers": "four"}
    assert list(validator.iter_errors(wrong))


def test_the_cloud_file_names_an_existing_head_and_starts_ray_with_a_secret() -> None:
    example = read_example()
    assert example["head_node_type"] in example["available_node_types"]
    starts = [*example["head_start_ray_commands"], *example["worker_start_ray_commands"]]
    assert all("RAY_AUTH_MODE=token" in command for command in starts if "ray start" in command)
