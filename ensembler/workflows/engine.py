"""Opens the engine that runs the jobs of a call."""

from __future__ import annotations

from ..engines.engine import Engine
from ..engines.local import LocalEngine
from ..errors import BadChoice
from ..options.declared import EngineOptions
from ..progress import Progress


def open_engine(options: EngineOptions, progress: Progress) -> Engine:
    """Create the engine that runs the jobs of a call, as a context manager.

    Parameters
    ----------
    options
        Options of the call.
    progress
        Receiver of notes and warnings about machines.

    Raises
    ------
    BadChoice
        If an option needs another engine, or Ray is not installed.
    """
    processors = options.get("job_processors")
    if options.get("engine", "local") == "local":
        if options.get("ray_address") or options.get("shared_folder") is not None:
            raise BadChoice("--ray-address and --no-shared-folder need --engine ray: the engine local has one machine.")
        return LocalEngine(processors)
    raise NotImplementedError
