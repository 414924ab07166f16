"""Sign-in to Kaggle with the credentials that its client finds, and errors that name them.

Only this module imports ``kaggle``, late and in one function, because its import signs in and may exit the process.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...errors import KaggleError
from .errors import HOW_TO_SIGN_IN, BadCredential, translate_errors
from .retry_policy import RetryPolicy

CredentialKind = Literal["ACCESS_TOKEN", "LEGACY_API_KEY", "OAUTH"]
_KEY_FIELDS = frozenset({"username", "key"})
_KIND_NAMES = {"ACCESS_TOKEN": "token", "LEGACY_API_KEY": "API key", "OAUTH": "login"}


@dataclass(frozen=True)
class Credential:
    """Kind and location of a credential. The secret itself is not read."""

    kind: CredentialKind
    source: str

    def __str__(self) -> str:
        return f"the {_KIND_NAMES[self.kind]} in {self.source}"


def sign_in(retry_policy: RetryPolicy) -> Any:
    """Return the signed-in client."""
    _refuse_malformed()
    with silence_client(), explain_refused_credential(), translate_errors(), retry_policy.apply_timeouts():
        return _import_client()


def _refuse_malformed() -> None:
    """Refuse credentials that do not fit in a request, before the client shows them in a traceback."""
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"):
        value = os.environ.get(name, "")
        if (not value.isascii() or any(map(str.isspace, value))) and not _is_file(value):
            raise BadCredential(f"{name} contains a space, a line break or a non-ASCII character: set it again.")
    if (file := _locate_key_file()).is_file() and not _read_key_fields(file) and not find_credentials():
        raise BadCredential(
            f"{file} does not contain a username and a key as JSON: download it again, or {HOW_TO_SIGN_IN}."
        )


def _import_client() -> Any:
    """Import the client, whose import signs in.

    If that failed silently, sign in again to get the reason.
    """
    try:
        import kaggle
        from kaggle.api.kaggle_api_extended import KaggleApi
    except OSError as error:
        # Network errors are OSErrors too, but the import raises none, so it is the settings' folder.
        where = f"its folder {error.filename}" if error.filename else "its folder"
        raise KaggleError(
            f"The kaggle client cannot use {where} ({error.strerror}): set KAGGLE_CONFIG_DIR to a writable folder."
        ) from error
    api = kaggle.api
    if not api._authenticated:
        api = KaggleApi()
        api.authenticate()
    used = api.config_values.get("auth_method")
    available = find_credentials()
    if available and available[0].kind == "ACCESS_TOKEN" and used != "ACCESS_TOKEN":
        # The client ignores a token that Kaggle refuses, but sends it nonetheless.
        raise BadCredential(_describe_refusal(available, "ACCESS_TOKEN"))
    return api


@contextlib.contextmanager
def explain_refused_credential(used: str | None = None) -> Iterator[None]:
    """Name the location of a refused credential, and the credentials that it hides.

    ``used`` is the kind of credential that the client signed in with; None before the sign-in.
    """
    try:
        yield
    except BadCredential as error:
        available = find_credentials()
        if not available or (used and used not in {credential.kind for credential in available}):
            raise
        raise BadCredential(_describe_refusal(available, used or available[0].kind)) from error


def _describe_refusal(available: list[Credential], used: str) -> str:
    first = next(place for place, credential in enumerate(available) if credential.kind == used)
    hidden = [str(credential) for credential in available[first + 1 :]]
    hides = f", which hides {' and '.join(hidden)}" if hidden else ""
    remedy = f"remove it, or {HOW_TO_SIGN_IN}" if hidden else HOW_TO_SIGN_IN
    return f"Kaggle does not accept {available[first]}{hides}: {remedy}."


def find_credentials() -> list[Credential]:
    """Return all credentials of the user, in the client's order. The client uses the first one."""
    home = Path("~/.kaggle").expanduser()
    found = [*_find_tokens(home), *_find_keys()]
    if (login := home / "credentials.json").is_file():
        found.append(Credential("OAUTH", str(login)))
    return found


def _find_tokens(home: Path) -> Iterator[Credential]:
    token = os.environ.get("KAGGLE_API_TOKEN")
    if token:
        named = _is_file(token)
        yield Credential("ACCESS_TOKEN", f"{token} (from KAGGLE_API_TOKEN)" if named else "KAGGLE_API_TOKEN")
    for name in ("access_token", "access_token.txt"):
        if _has_text(home / name):
            yield Credential("ACCESS_TOKEN", str(home / name))


def _find_keys() -> Iterator[Credential]:
    """Find API keys. Username and key may each come from the environment or from the file."""
    file = _locate_key_file()
    in_file = _read_key_fields(file)
    in_environment = {name for name in _KEY_FIELDS if f"KAGGLE_{name.upper()}" in os.environ}
    if in_environment >= _KEY_FIELDS:
        yield Credential("LEGACY_API_KEY", "KAGGLE_USERNAME and KAGGLE_KEY")
    elif in_environment and in_environment | in_file >= _KEY_FIELDS:
        names = " and ".join(f"KAGGLE_{name.upper()}" for name in sorted(in_environment))
        yield Credential("LEGACY_API_KEY", f"{names} and {file}")
        return
    if in_file >= _KEY_FIELDS:
        yield Credential("LEGACY_API_KEY", str(file))


def _locate_key_file() -> Path:
    return Path(os.environ.get("KAGGLE_CONFIG_DIR") or "~/.kaggle").expanduser() / "kaggle.json"


def _read_key_fields(file: Path) -> set[str]:
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return set()
    return {name for name in _KEY_FIELDS if isinstance(content, dict) and content.get(name)}


def _is_file(text: str) -> bool:
    """Return whether a token is the path of a file. A text may be too long for a path."""
    try:
        return Path(text).is_file()
    except OSError:
        return False


def _has_text(path: Path) -> bool:
    try:
        return bool(path.read_text("utf-8").strip())
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def silence_client() -> Iterator[None]:
    """Hide stdout, which is for data, and stdin, which the client's ``exit()`` would close."""
    stdin = sys.stdin
    sys.stdin = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        sys.stdin = stdin
