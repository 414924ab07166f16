"""Functions that the engine's tests run in processes of their own."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from typing import Any

from ensembler.errors import BadChoice
from ensembler.events import EpochBegan, FoldBegan, FoldEnded
from ensembler.progress import Progress


def double(told: dict[str, Any], progress: Progress) -> int:
    task = progress.start("double", 2)
    print("printed by a library")
    task.advance(2)
    task.finish()
    progress.note("half-way")
    progress.warn("look out")
    return 2 * int(told["number"])


def pid(told: dict[str, Any], progress: Progress) -> int:
    print("pid is here")
    progress.note("so it goes")
    return os.getpid()


def train(told: dict[str, Any], progress: Progress) -> None:
    progress.emit(FoldBegan("b0", 2))
    progress.start("b0, fold 2: fine-tune", 5, photos=32, work=2.5).finish()
    progress.emit(FoldEnded("b0", 2, None, float("nan"), 1.5))


def refuse(told: dict[str, Any], progress: Progress) -> None:
    raise BadChoice(f"There is no {told['what']}.")


def crash(told: dict[str, Any], progress: Progress) -> None:
    raise ZeroDivisionError("a bug of ours")


def die(told: dict[str, Any], progress: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait(told: dict[str, Any], progress: Progress) -> None:
    """Wait for a stop; a stubborn job hears none."""
    print("waiting", os.getpid(), flush=True)
    for _ in range(600):
        if not told.get("stubborn"):
            progress.raise_if_stopping("in step 3 of it")
        time.sleep(0.1)


def end_by_signal(told: dict[str, Any], progress: Progress) -> None:
    print("about to do it", flush=True)
    os.kill(os.getpid(), told["signal"])


def chatter(told: dict[str, Any], progress: Progress) -> list[int]:
    """Tell a lot and return a lot."""
    for _ in progress.track(range(500), "chatter", 500):
        progress.note("x" * 100)
    return list(range(1000))


def fill(told: dict[str, Any], progress: Progress) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "some/file")


def use_gpu(told: dict[str, Any], progress: Progress) -> str | None:
    """Hold the GPU that is seen for as long as it takes that ``together`` jobs have begun; refuse one in use."""
    gpu, folder = os.environ.get("CUDA_VISIBLE_DEVICES"), Path(told["folder"])
    in_use = folder / f"{gpu} in use"
    in_use.touch(exist_ok=False)
    (folder / f"{os.getpid()} began").touch()
    deadline = time.monotonic() + 20
    while len(list(folder.glob("* began"))) < told["together"]:
        if time.monotonic() > deadline:
            raise BadChoice("The other jobs have not begun.")
        time.sleep(0.01)
    in_use.unlink()
    if told.get("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    return gpu


def save_when_stopped(told: dict[str, Any], progress: Progress) -> None:
    """Wait for a stop, and take a while to save what was done."""
    print("waiting", os.getpid(), flush=True)
    while not progress.stopping:
        time.sleep(0.05)
    time.sleep(told["seconds"])
    print("saved", flush=True)
    progress.raise_if_stopping("in step 3 of it")


def show_environment(told: dict[str, Any], progress: Progress) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in told["names"]}


def return_much(told: dict[str, Any], progress: Progress) -> int:
    """Tell much, in events that together are larger than a store of objects."""
    letters = "x" * 2**20
    for _ in range(told["megabytes"]):
        progress.note(letters)
    return len(letters) * int(told["megabytes"])


def wait_for_file(told: dict[str, Any], progress: Progress) -> int:
    """Wait until a file exists."""
    while not Path(told["file"]).exists():
        time.sleep(0.05)
    time.sleep(0.5)
    return int(told["number"])


def count_epochs(told: dict[str, Any], progress: Progress) -> list[int]:
    """Train for as many epochs as told, each with a checkpoint, from the last checkpoint on, slowly at the third."""
    checkpoint, table = Path(told["folder"]) / "checkpoint.txt", Path(told["folder"]) / "train.csv"
    assert str(checkpoint).startswith(os.environ["ENSEMBLER_MIRROR"])
    done = int(checkpoint.read_text()) if checkpoint.exists() else 0
    trained = []
    for epoch in range(done, told["epochs"]):
        progress.emit(EpochBegan("m", 0, "all", 1, 1, epoch + 1, told["epochs"], epoch + 1))
        # Long enough to be killed in this epoch at the first time.
        time.sleep(60 if epoch == 2 and done == 0 else 0.1)
        checkpoint.with_name("new").write_text(f"{epoch + 1}")
        checkpoint.with_name("new").replace(checkpoint)
        trained.append(epoch)
    checkpoint.with_name("model.txt").write_text(f"{table.read_text()} after {told['epochs']} epochs")
    checkpoint.unlink()
    return trained
