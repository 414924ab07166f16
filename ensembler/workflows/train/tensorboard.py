"""Whether there is a TensorBoard to look at what training writes for it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from ...errors import BadChoice


def require_tensorboard(find: Callable[[str], object | None] = find_spec) -> None:
    """Say what to install where TensorBoard is missing.

    Raises
    ------
    BadChoice
        If it is.
    """
    if find("tensorboard") is None:
        raise BadChoice(
            "--tensorboard needs a package that is not installed: install it with "
            "`pip install 'ensembler[tensorboard]'`, or leave the option out."
        )
