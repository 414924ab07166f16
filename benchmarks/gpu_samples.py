"""Samples of how busy the GPU is, while a command runs."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

MILLISECONDS = 250


@contextlib.contextmanager
def sample_gpu(path: Path, device: str) -> Iterator[None]:
    """Append the time and the busy share in percent to a file as lines of JSON. Nothing without ``nvidia-smi``.

    Parameters
    ----------
    device
        Number or identifier of the GPU.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        yield
        return
    query = ["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", f"--loop-ms={MILLISECONDS}", "-i", device]
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("a", encoding="utf-8") as file,
        subprocess.Popen([program, *query], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process,
    ):

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                # A card that is divided tells no share.
                with contextlib.suppress(ValueError):
                    file.write(json.dumps({"time": time.time(), "busy": float(line)}) + "\n")

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield
        finally:
            process.terminate()
            reader.join()
