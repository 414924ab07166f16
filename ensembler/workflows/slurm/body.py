"""The commands of the batch script, which start Ray on all nodes of the allocation, run the command and end Ray."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files


def fill_body(values: Mapping[str, str]) -> str:
    """Return the commands with ``environment``, ``command``, ``seconds`` and ``requeues``."""
    body = files(__package__).joinpath("body.sh").read_text("utf-8")
    return re.sub(r"@(\w+)@", lambda found: values[found[1]], body)
