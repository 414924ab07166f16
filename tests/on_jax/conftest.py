"""Tests of JAX without TensorFlow, which `make test-jax` runs in an environment of their own."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of this folder beside TensorFlow, which would hide what needs it."""
    if find_spec("tensorflow") is not None:
        for item in items:
            if "on_jax" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason="TensorFlow is installed: run `make test-jax`"))
