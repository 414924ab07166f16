from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ensembler.engines import hardware
from ensembler.engines.hardware import Gpu, detect_hardware, parse_gpu_listing, select_visible_gpus
from ensembler.machine_limits import read_machine_memory

MB = 2**20
T4 = Gpu("Tesla T4", 15360 * MB, (7, 5), "GPU-aa11")
A100 = Gpu("NVIDIA A100-SXM4-40GB", 40960 * MB, (8, 0), "GPU-aa22")
LISTING = "0, GPU-aa11, Tesla T4, 15360, 7.5\n1, GPU-aa22, NVIDIA A100-SXM4-40GB, 40960, 8.0\n"
# Stand-ins for a backend that sees a GPU, or none. JAX without CUDA has a device, but not of this kind.
SEES = {
    "tensorflow": "class config: list_physical_devices = staticmethod(lambda kind: ['one'] if kind == 'GPU' else [])",
    "jax": "from types import SimpleNamespace as S\ndevices = lambda: [S(platform='cpu'), S(platform='gpu')]",
}
SEES_NONE = {
    "tensorflow": "class config: list_physical_devices = staticmethod(lambda kind: [])",
    "jax": "from types import SimpleNamespace as S\ndevices = lambda: [S(platform='cpu')]",
}
BACKENDS = pytest.mark.parametrize("backend", ["tensorflow", "jax"])


@pytest.fixture(autouse=True)
def nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS", "JAX_PLATFORM_NAME", "KERAS_BACKEND"):
        monkeypatch.delenv(name, raising=False)


def install_driver(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put an ``nvidia-smi`` on the PATH that runs ``script`` and records its arguments."""
    program = folder / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" > {folder}/called\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def install_backend(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, backend: str = "tensorflow") -> None:
    """Make Keras use ``backend``, as which other processes import ``source``."""
    (folder / f"{backend}.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("KERAS_BACKEND", backend)


def prints(text: str, code: int = 0) -> str:
    return f"cat <<'END'\n{text}\nEND\nexit {code}"


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ("", ()),
        (LISTING, (T4, A100)),
        ("\n".join(reversed(LISTING.splitlines())), (T4, A100)),
        ("Warning: persistence mode is off\n" + LISTING, (T4, A100)),
        ("0, GPU-x, NVIDIA GB10, [N/A], 12.1", (Gpu("NVIDIA GB10", 99, (12, 1), "GPU-x"),)),
        ("0, GPU-x, [Unknown Error], [Unknown Error], [Unknown Error]", ()),
        ("NVIDIA-SMI has failed", ()),
    ],
    ids=["nothing", "two", "unsorted", "complaint", "shared memory", "fallen off the bus", "failure"],
)
def test_parsing_the_drivers_listing(listing: str, expected: tuple[Gpu, ...]) -> None:
    assert parse_gpu_listing(listing, shared_memory=99) == expected


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        (None, ["GPU-aa11", "GPU-aa22"]),
        ("0,1", ["0", "1"]),
        ("1, 0", ["1", "0"]),
        ("1", ["1"]),
        ("GPU-aa22", ["GPU-aa22"]),
        ("GPU-aa2", ["GPU-aa2"]),
        ("0,7,1", ["0"]),
        ("GPU-bb,0", []),
        ("0,-1,1", ["0"]),
        ("", []),
        ("nonsense", []),
    ],
)
def test_hidden_gpus_are_not_used(visible: str | None, names: list[str]) -> None:
    assert [gpu.identity for gpu in select_visible_gpus((T4, A100), visible)] == names


def test_one_alone_is_number_0() -> None:
    assert [gpu.identity for gpu in select_visible_gpus((A100,), None)] == ["0"]


@pytest.mark.parametrize(
    ("visible", "kinds"),
    [("1,0", [A100.name, T4.name]), ("GPU-aa2", [A100.name]), ("MIG-1,MIG-2", [T4.name, T4.name])],
)
def test_hidden_gpus_are_not_described(visible: str, kinds: list[str]) -> None:
    assert [gpu.name for gpu in select_visible_gpus((T4, A100), visible)] == kinds


@BACKENDS
def test_gpus_that_the_backend_can_use(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_driver(tmp_path, monkeypatch, prints(LISTING))
    install_backend(tmp_path, monkeypatch, SEES[backend], backend)
    found = detect_hardware()
    assert (found.gpus, found.memory_bytes, found.problem) == ((T4, A100), read_machine_memory(), "")
    asked = (tmp_path / "called").read_text()
    assert asked == "--query-gpu=index,uuid,name,memory.total,compute_cap --format=csv,noheader,nounits\n"


@BACKENDS
@pytest.mark.parametrize("sees", [True, False], ids=["sees none", "cannot be imported"])
def test_gpus_that_the_backend_cannot_use(
    backend: str, sees: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_driver(tmp_path, monkeypatch, prints(LISTING))
    install_backend(tmp_path, monkeypatch, SEES_NONE[backend] if sees else "raise ImportError", backend)
    found = detect_hardware()
    assert found.gpus == ()
    name, extra = {"tensorflow": ("TensorFlow", "gpu"), "jax": ("JAX", "jax-gpu")}[backend]
    assert found.problem.startswith(f"{name} cannot use this machine's GPU: run pip install 'ensembler[{extra}]'")


def test_gpus_that_were_hidden_from_jax_are_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_driver(tmp_path, monkeypatch, prints(LISTING))
    install_backend(tmp_path, monkeypatch, SEES["jax"], "jax")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert detect_hardware() == hardware.Hardware((), read_machine_memory())
    monkeypatch.setenv("JAX_PLATFORMS", "cuda,cpu")
    assert detect_hardware().gpus == (T4, A100)
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert detect_hardware("tensorflow").problem.startswith("TensorFlow cannot"), "the variable is JAX's alone"


@pytest.mark.slow
def test_the_real_backend_is_asked_about_the_gpus_left_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No machine has a GPU of this name, so TensorFlow sees none.
    install_driver(tmp_path, monkeypatch, prints(LISTING))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-aa11")
    assert "TensorFlow cannot use this machine's GPU" in detect_hardware().problem


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (prints("No devices were found", 6), ""),
        (prints(""), ""),
        (prints("NVIDIA-SMI has failed because it couldn't communicate.\nMore.", 9), "(NVIDIA-SMI has failed"),
        ("exit 3", "(exit code 3)"),
        ("kill -9 $$", "(exit code -9)"),
    ],
    ids=["no device", "empty", "driver", "silent", "killed"],
)
def test_no_gpu(script: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_driver(tmp_path, monkeypatch, script)
    install_backend(tmp_path, monkeypatch, SEES["tensorflow"])
    found = detect_hardware()
    assert found.gpus == ()
    assert problem in found.problem
    assert bool(problem) == bool(found.problem)


@pytest.mark.parametrize("slow", ["driver", "tensorflow"])
def test_a_hanging_program_is_not_waited_for(slow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_DRIVER_TIMEOUT", 0.5)
    monkeypatch.setattr(hardware, "_BACKEND_TIMEOUT", 0.5)
    install_driver(tmp_path, monkeypatch, "exec sleep 30" if slow == "driver" else prints(LISTING))
    install_backend(tmp_path, monkeypatch, "import time; time.sleep(30)")
    began = time.monotonic()
    found = detect_hardware()
    assert time.monotonic() - began < 10
    assert found.gpus == ()
    assert ("timed out" if slow == "driver" else "TensorFlow") in found.problem


@pytest.mark.parametrize("visible", ["", "-1"])
def test_neither_is_asked_where_all_is_hidden(visible: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_driver(tmp_path, monkeypatch, prints(LISTING))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert detect_hardware().gpus == ()
    assert not (tmp_path / "called").exists()


def test_machines_without_a_driver_pay_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_backend(tmp_path, monkeypatch, f"open({str(tmp_path / 'asked')!r}, 'w')")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert detect_hardware() == hardware.Hardware((), read_machine_memory())
    assert not (tmp_path / "asked").exists()
