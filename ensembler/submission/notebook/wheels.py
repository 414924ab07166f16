"""Reproducible wheels of installed pure Python packages, for a machine without a network."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import re
import zipfile
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath

from ...errors import BadChoice
from ...storage import write_file_atomically

_COMPILED_SUFFIXES = (*EXTENSION_SUFFIXES, ".so", ".pyd", ".dll", ".dylib")
# Files of the installer, which describe the installation rather than the distribution.
_INSTALLATION_FILES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
_KEPT_METADATA = ("METADATA", "entry_points.txt", "top_level.txt")
_WHEEL_METADATA = "Wheel-Version: 1.0\nGenerator: ensembler\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# The earliest time in a zip, used because the time of packing must not change the bytes.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_wheel(folder: Path, name: str) -> Path:
    """Pack an installed distribution, such as ``keras``, as a wheel in ``folder``.

    Compiled code, which does not run on other machines, raises ``BadChoice``.
    """
    distribution = _find_distribution(name)
    plain = re.sub(r"[-_.]+", "_", name).lower()
    information = f"{plain}-{distribution.version}.dist-info"
    members = {member: path.read_bytes() for member, path in sorted(_iterate_code_files(distribution, name))}
    members |= {
        f"{information}/{member}": content for member, content in sorted(_collect_metadata(distribution).items())
    }
    members[f"{information}/WHEEL"] = _WHEEL_METADATA.encode()
    members[f"{information}/RECORD"] = _render_record(members, f"{information}/RECORD")
    wheel = folder / f"{plain}-{distribution.version}-py3-none-any.whl"
    with write_file_atomically(wheel) as temporary:
        _pack(temporary, members)
    return wheel


def read_installed_version(name: str) -> str:
    """Return the version of an installed distribution."""
    return _find_distribution(name).version


def _find_distribution(name: str) -> Distribution:
    """Find a distribution. The egg-info of a source folder, which has no list of files, comes last."""
    distributions = sorted(
        importlib.metadata.distributions(name=name), key=lambda each: each.read_text("WHEEL") is None
    )
    if not distributions:
        raise BadChoice(f"{name} is not installed, so it cannot be packed: run `pip install {name}`.")
    return distributions[0]


def _iterate_code_files(distribution: Distribution, name: str) -> Iterator[tuple[str, Path]]:
    """Yield each file to pack, except metadata, with its path in the wheel."""
    listed = (
        _iterate_package_files(distribution, name)
        if _is_editable(distribution)
        else _iterate_recorded_files(distribution)
    )
    for member, path in listed:
        inside = PurePosixPath(member)
        if "__pycache__" in inside.parts or inside.suffix == ".pyc":
            continue
        if member.endswith(_COMPILED_SUFFIXES):
            raise BadChoice(
                f"{name} contains compiled code ({member}), so it cannot be packed for another machine: rely on the "
                "version that is installed there."
            )
        yield member, path


def _is_editable(distribution: Distribution) -> bool:
    """Return whether the package is in a source folder rather than beside its metadata."""
    if distribution.read_text("RECORD") is None:
        return True
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def _iterate_recorded_files(distribution: Distribution) -> Iterator[tuple[str, Path]]:
    for file in distribution.files or ():
        # Scripts are outside; an installer creates them from the entry points.
        if ".." not in file.parts and not file.parts[0].endswith(".dist-info"):
            yield file.as_posix(), Path(str(file.locate()))


def _iterate_package_files(distribution: Distribution, name: str) -> Iterator[tuple[str, Path]]:
    tops = (distribution.read_text("top_level.txt") or name).split()
    for top in tops:
        spec = importlib.util.find_spec(top)
        if spec is None or not spec.submodule_search_locations:
            raise BadChoice(f"The package {top} of {name} is missing, so it cannot be packed: install it again.")
        root = Path(spec.submodule_search_locations[0])
        for path in root.rglob("*"):
            if path.is_file():
                yield f"{top}/{path.relative_to(root).as_posix()}", path


def _collect_metadata(distribution: Distribution) -> dict[str, bytes]:
    """Return the metadata that does not depend on the installation, by name inside the ``.dist-info`` folder."""
    texts = {name: distribution.read_text(name) for name in _KEPT_METADATA}
    kept = {name: text.encode() for name, text in texts.items() if text}
    kept.setdefault("METADATA", (distribution.read_text("PKG-INFO") or "").encode())
    for file in distribution.files or ():
        inside = PurePosixPath(*file.parts[1:]).as_posix()
        if file.parts[0].endswith(".dist-info") and inside not in {*_INSTALLATION_FILES, "WHEEL"}:
            kept[inside] = Path(str(file.locate())).read_bytes()
    return kept


def _render_record(members: dict[str, bytes], own_name: str) -> bytes:
    """Return the list of all files with their hashes, which installers check."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for member, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        writer.writerow([member, f"sha256={digest}", len(content)])
    writer.writerow([own_name, "", ""])
    return text.getvalue().encode()


def _pack(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            info = zipfile.ZipInfo(member, _ZIP_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
