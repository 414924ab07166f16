"""Checks that TensorBoard is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from ...errors import BadChoice


def require_tensorboard(find: Callable[[str], object | None] = find_spec) -> None:
    """Check that TensorBoard is installed.

    Raises
    ------
    BadChoice
        If it is missing.
    """
    if find("tensorboard") is None:
        raise BadChoice(
            "--tensorboard needs a package that is not installed: install it with "
            "`pip install 'ensembler[tensorboard]'`, or leave the option out."
        )
