"""Opens the engine that runs the jobs of a call."""

from __future__ import annotations

from importlib.util import find_spec

from ..engines.engine import Engine
from ..engines.local import LocalEngine
from ..errors import BadChoice
from ..keras_backend import find_backend
from ..options.declared import EngineOptions
from ..progress import Progress


def open_engine(options: EngineOptions, progress: Progress, *, uses_keras: bool = True) -> Engine:
    """Create the engine that runs the jobs of a call, as a context manager.

    Parameters
    ----------
    options
        Options of the call.
    progress
        Receiver of notes and warnings about machines.
    uses_keras
        Whether the jobs use Keras, so that a backend must be installed.

    Raises
    ------
    BadChoice
        If an option needs another engine, or Ray or the backend of Keras is not installed.
    """
    if uses_keras:
        find_backend()
    processors, shared_folder = options.get("job_processors"), options.get("shared_folder")
    if options.get("engine", "local") == "local":
        if options.get("ray_address") or shared_folder is not None:
            raise BadChoice(
                "--ray-address and --no-shared-folder need `--engine ray`: the engine local has one machine."
            )
        return LocalEngine(processors)
    if find_spec("ray") is None:
        raise BadChoice("`--engine ray` needs Ray, which is not installed: run pip install 'ensembler[ray]'.")
    # Ray takes a second to load.
    from ..engines.ray.engine import RayEngine

    return RayEngine(
        options.get("ray_address"), progress, shared_folder=shared_folder is not False, job_processors=processors
    )
