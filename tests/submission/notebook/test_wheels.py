from __future__ import annotations

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import ensembler
from ensembler.errors import BadChoice
from ensembler.submission.notebook.wheels import read_installed_version, write_wheel


def install(wheel: Path, target: Path) -> Path:
    """Install as a notebook without a network does, and have pip check the wheel's own list."""
    options = ["--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True)
    return target


def imported_from(target: Path, package: str) -> Path:
    code = f"import sys; sys.path.insert(0, {str(target)!r}); import {package}; print({package}.__file__)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=target)
    return Path(ended.stdout.strip())


def test_an_editable_install_is_packed_from_its_folder(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "ensembler")
    assert wheel.name == f"ensembler-{read_installed_version('ensembler')}-py3-none-any.whl"
    root = Path(ensembler.__file__).parent
    expected = {
        f"ensembler/{path.relative_to(root).as_posix()}"
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name for name in names if name.startswith("ensembler/")} == expected
    assert not [name for name in names if "direct_url" in name or "__editable__" in name]
    target = install(wheel, tmp_path / "target")
    assert imported_from(target, "ensembler").is_relative_to(target)


def test_a_regular_install_is_packed_from_its_record(tmp_path: Path) -> None:
    target = install(write_wheel(tmp_path, "tomli-w"), tmp_path / "target")
    assert imported_from(target, "tomli_w").is_relative_to(target)


def test_the_list_of_files_has_each_with_its_hash(tmp_path: Path) -> None:
    with zipfile.ZipFile(write_wheel(tmp_path, "tomli-w")) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    record = next(name for name in members if name.endswith(".dist-info/RECORD"))
    rows = list(csv.reader(io.StringIO(members[record].decode())))
    assert sorted(row[0] for row in rows) == sorted(members)
    for name, digest, size in rows:
        if name != record:
            hashed = base64.urlsafe_b64encode(hashlib.sha256(members[name]).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={hashed}", str(len(members[name])))
    assert "Tag: py3-none-any" in members[record.replace("RECORD", "WHEEL")].decode()


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second = (write_wheel(tmp_path / name, "ensembler") for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_what_an_installation_added_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "pets/__init__.py": "",
        "pets/names.txt": "Rex",
        "pets/__pycache__/__init__.cpython-311.pyc": "compiled",
        "single.py": "",
        "Pets_2-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: Pets.2\nVersion: 1.0\n",
        "Pets_2-1.0.dist-info/WHEEL": "Tag: cp311-cp311-linux_x86_64\n",
        "Pets_2-1.0.dist-info/INSTALLER": "pip",
        "Pets_2-1.0.dist-info/direct_url.json": "{}",
        "Pets_2-1.0.dist-info/entry_points.txt": "[console_scripts]\npets = pets:main\n",
        "Pets_2-1.0.dist-info/licenses/LICENSE": "free",
    }
    for name, content in files.items():
        path = tmp_path / "installed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pets").write_text("#!/nowhere/python")
    record = "\n".join([*(f"{name},," for name in files), "../bin/pets,,", "Pets_2-1.0.dist-info/RECORD,,"])
    (tmp_path / "installed" / "Pets_2-1.0.dist-info" / "RECORD").write_text(record + "\n")
    monkeypatch.syspath_prepend(str(tmp_path / "installed"))
    wheel = write_wheel(tmp_path, "pets.2")
    assert wheel.name == "pets_2-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix("pets_2-1.0.dist-info/") for name in archive.namelist()}
    assert names == {
        "pets/__init__.py",
        "pets/names.txt",
        "single.py",
        "METADATA",
        "WHEEL",
        "RECORD",
        "entry_points.txt",
        "licenses/LICENSE",
    }
    target = install(wheel, tmp_path / "target")
    assert (target / "pets" / "names.txt").read_text() == "Rex"


@pytest.mark.parametrize(
    ("name", "words"),
    [("numpy", "numpy contains compiled code"), ("no-such-thing", "no-such-thing is not installed")],
)
def test_what_cannot_be_packed_is_refused_and_leaves_nothing(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadChoice, match=words):
        write_wheel(tmp_path, name)
    assert not list(tmp_path.iterdir())
