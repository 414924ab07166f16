"""The folder in which JAX keeps compiled steps for later processes."""

from __future__ import annotations

import os
import platform
from hashlib import sha256
from pathlib import Path

from .paths import locate_user_cache

# Bytes of the folder, above which JAX removes what was not used for longest.
MAX_BYTES = 2**31
# Seconds of a compilation that is worth a file. JAX looks through all files when it writes one.
_MIN_SECONDS = 0.2


def keep_compiled_steps() -> None:
    """Let JAX, when it is imported, read and write compiled steps in the user's cache.

    The user's own variables ``JAX_...`` take precedence.
    """
    for name, value in {
        "JAX_COMPILATION_CACHE_DIR": str(locate_compiled_steps()),
        "JAX_COMPILATION_CACHE_MAX_SIZE": str(MAX_BYTES),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": str(_MIN_SECONDS),
    }.items():
        os.environ.setdefault(name, value)


def locate_compiled_steps() -> Path:
    """Return the folder for the processor of this machine.

    JAX does not tell processors apart, and machines that share a home folder may lack each other's instructions.
    """
    return locate_user_cache() / f"jax-{sha256(_describe_processor().encode()).hexdigest()[:16]}"


def _describe_processor() -> str:
    """Return the model of the first processor and its instructions."""
    try:
        first = Path("/proc/cpuinfo").read_text("utf-8").partition("\n\n")[0]
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    kept = (line for line in first.splitlines() if line.startswith(("model name", "flags", "Features", "CPU part")))
    return "\n".join([platform.machine(), *kept])
