"""Records, JSON, TOML and arrays in files, and hashes of content.

A record is a frozen dataclass, whose annotations are the only declaration of the fields of its file. msgspec checks the
content of files against them. Libraries are imported late, so that commands start quickly.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_type_hints

from .errors import BadData
from .storage import write_file_atomically, write_text

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
REMAKE = "delete it and run the command that made it again."
# Bytes of a file name that are not valid UTF-8, as Python represents them.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Plain names of the types in msgspec's messages.
_TYPE_NAMES = {
    "str": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}


def write_record(path: Path, record: Any) -> None:
    """Write a record as indented JSON."""
    write_json(path, convert_to_plain(record))


def read_record(path: Path, kind: type[T], remedy: str = REMAKE) -> T:
    """Read a record that :func:`write_record` wrote.

    Parameters
    ----------
    remedy
        End of the error's sentence, which says how to repair or replace the file.

    Raises
    ------
    BadData
        If the file is missing, is not JSON, or has a field that is missing or of the wrong type.
    """
    return make_record(read_json(path), kind, path, remedy)


def make_record(content: Any, kind: type[T], source: object, remedy: str = REMAKE) -> T:
    """Create a record from plain data, which is checked against the record's annotations.

    Parameters
    ----------
    content
        Data from JSON or TOML. Unknown fields are ignored.
    kind
        Dataclass or another type that msgspec supports, such as ``dict[str, Record]``.
    source
        Name of the file, for the error.

    Raises
    ------
    BadData
        If a field is missing or of the wrong type.
    """
    try:
        import msgspec
    except ImportError:
        # Kaggle's image may lack it. The files that a notebook reads there have been compared with checksums.
        return cast(T, _build_unchecked(content, kind))
    try:
        return msgspec.convert(content, kind, dec_hook=lambda wanted, value: wanted(value), str_keys=True)
    except msgspec.ValidationError as error:
        raise BadData(f"In {source}, {_describe_mismatch(str(error), kind)}: {remedy}") from error


def convert_to_plain(value: Any) -> Any:
    """Return a record as plain data for JSON: paths become text, times ISO 8601, and NaN and infinity None."""
    import msgspec

    return json.loads(msgspec.json.encode(_expand_records(value), enc_hook=_convert_scalar))


def _expand_records(value: Any) -> Any:
    """Replace records, at any depth, with the result of their ``to_json`` or else with their fields."""
    if is_dataclass(value) and not isinstance(value, type):
        return value.to_json() if hasattr(value, "to_json") else _list_fields(value)
    if isinstance(value, dict):
        return {name: _expand_records(each) for name, each in value.items()}
    return [_expand_records(each) for each in value] if isinstance(value, (list, tuple)) else value


def _list_fields(record: Any) -> dict[str, Any]:
    # msgspec omits the defaults of fields that were missing in the file that it read.
    return {field.name: _expand_records(getattr(record, field.name)) for field in fields(record)}


class Exported:
    """Base class of dataclasses that commands print as JSON."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain data for JSON."""
        plain: dict[str, Any] = convert_to_plain(_list_fields(self))
        return plain


def _convert_scalar(value: Any) -> Any:
    # NumPy's scalars and arrays have tolist. All other values are paths.
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _build_unchecked(content: Any, kind: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        kinds = get_type_hints(kind)
        return kind(**{name: _build_unchecked(value, kinds[name]) for name, value in content.items()})
    if isinstance(content, list):
        return tuple(_build_unchecked(each, get_args(kind)[0]) for each in content)
    return content


def _describe_mismatch(message: str, kind: Any) -> str:
    """Rephrase msgspec's message, such as ``Expected `int`, got `str` - at `$.settings.seed```."""
    problem, _, place = message.partition(" - at ")
    # The problem may be a key of a table.
    in_key = place.startswith("`key` in ")
    field = place.removeprefix("`key` in ").strip("`").removeprefix("$").lstrip(".")
    if missing := re.search("missing required field `(.*)`", problem):
        return f"the field {'.'.join(filter(None, (field, missing[1])))} is missing"
    subject = field or "the content"
    if wrong := re.fullmatch("Expected `(.*)`, got `(.*)`", problem):
        wanted, got = (
            " or ".join(_TYPE_NAMES.get(name, name) for name in names.split(" | ")) for names in wrong.groups()
        )
        return f"{subject} must be {wanted}, not {got}"
    if (invalid := re.fullmatch("Invalid enum value (.*)", problem)) and not in_key:
        return f"{subject} must be one of {', '.join(map(str, _list_choices(kind, field)))}, not {invalid[1]}"
    return f"{subject} is wrong ({problem})"


def _list_choices(kind: Any, field: str) -> tuple[Any, ...]:
    """Return the values that the ``Literal`` of a field allows. Fields are written as ``phases[0].batch_norm``."""
    for part in re.findall(r"\w+|\[", field.replace("[...]", "[")):
        if part == "[":
            kind = next(each for each in get_args(kind) if each not in (str, int))
        elif not part.isdigit():
            kind = get_type_hints(kind)[part]
    return get_args(kind)


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON."""
    write_text(path, format_json(content))


def format_json(content: Any) -> str:
    """Return ``content`` as indented JSON."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    # File names may contain bytes that are not valid UTF-8.
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def write_json_if_changed(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON, unless the file already contains it."""
    with contextlib.suppress(BadData):
        if read_json(path) == content:
            return
    write_json(path, content)


def read_json(path: Path) -> Any:
    """Read JSON that :func:`write_json` wrote.

    Raises
    ------
    BadData
        If the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadData(f"Cannot read {path} ({error}): {REMAKE}") from error


def format_toml(header: str, content: dict[str, Any]) -> str:
    """Return ``content`` as TOML below comment lines."""
    import tomli_w

    comments = "".join(f"# {line}".rstrip() + "\n" for line in header.splitlines())
    return comments + "\n" + tomli_w.dumps(content, multiline_strings=False)


def read_toml(path: Path) -> dict[str, Any]:
    """Read TOML, which the user may have edited.

    Raises
    ------
    BadData
        If the file is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadData(f"Cannot read {path} ({error}): correct it, or delete it and fetch or adopt again.") from error


def write_arrays(path: Path, **arrays: np.ndarray[Any, Any]) -> None:
    """Write arrays as ``.npz``. Arrays of objects are rejected, because they need pickles."""
    import numpy as np

    if objects := [name for name, array in arrays.items() if array.dtype.hasobject]:
        raise TypeError(f"Arrays of objects cannot be stored. Received: {objects}")
    with write_file_atomically(path) as temporary:
        np.savez(temporary, **cast("dict[str, Any]", arrays))


def read_arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read all arrays of an ``.npz`` file without pickles.

    Raises
    ------
    BadData
        If the file is missing or damaged.
    """
    import numpy as np

    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:
        raise BadData(f"Cannot read {path} ({error}): delete its folder and run again.") from error


def compute_fingerprint(content: Any) -> str:
    """Hash plain data, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8")).hexdigest()[:16]


def compute_text_digest(content: str) -> str:
    """Compute the SHA-256 that :func:`~ensembler.storage.compute_file_digest` returns for a file with this text."""
    return hashlib.sha256(content.encode("utf-8")).hexdigest()
