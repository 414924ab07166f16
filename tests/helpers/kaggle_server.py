"""A small Kaggle on this machine, for the real client.

With ``KAGGLE_API_ENVIRONMENT=LOCALHOST`` the client calls ``http://localhost/api/v1/SERVICE/METHOD``;
``HTTP_PROXY`` brings those calls, and those to the storage, to this server, which plays the proxy.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import socket
import sys
import threading
import time
import traceback
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ensembler.errors import EnsemblerError, KaggleError

USER = "tester"
KEY = "0123456789abcdef-secret-key"
TOKEN = "KGAT_secret-token"
STORAGE = "http://storage.test"
# What real storage puts after the question mark is as good as a password for some minutes.
SIGNATURE = "Signature=secret-signature"
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


@dataclass(frozen=True)
class Request:
    """What the client asked; ``method`` is the API's method, or PUT or GET for the storage."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body or b"{}")


@dataclass(frozen=True)
class Answer:
    """What goes back: JSON for a dict, else text or bytes as they are."""

    status: int = 200
    content: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        if isinstance(self.content, bytes):
            return self.content
        return (json.dumps(self.content) if isinstance(self.content, dict) else self.content).encode()

    def all_headers(self) -> dict[str, str]:
        kind = "application/json" if isinstance(self.content, dict) else "text/html"
        return {"Content-Type": kind, "Content-Length": str(len(self.encoded()))} | self.headers


# None hangs up without a word.
Trouble = Answer | Callable[[Request], Answer | None] | None


def refusal(status: int, message: str) -> Answer:
    """Refuse in Kaggle's own manner."""
    return Answer(status, {"code": status, "message": message})


class KaggleServer:
    """Competitions by slug, each the bytes of its zip; what was submitted; what was asked.

    ``fail`` makes a method fail. A submission is pending for ``pending_polls`` looks, then gets ``outcome``.
    ``facts`` overrides what is told of a competition, ``limits`` what is told of today's submissions.

    The storage sends pieces of ``piece`` bytes with a ``pause`` of seconds between them, and hangs up after ``cut``
    bytes of each answer, or falls silent for ten minutes after ``stall`` of them; ``sent`` counts the bytes of archives
    that left. Every answer comes after a ``lull``.
    """

    def __init__(self, competitions: dict[str, bytes] | None = None) -> None:
        self.competitions = competitions or {}
        self.submissions: list[dict[str, Any]] = []
        self.uploads: dict[str, bytes] = {}
        self.names: dict[str, str] = {}
        self.requests: list[Request] = []
        self.outcome: dict[str, Any] = {"status": "COMPLETE", "publicScore": "0.04", "privateScore": ""}
        self.pending_polls = 1
        self.unknown = refusal(403, "Permission 'competitions.participate' was denied")
        self.facts: dict[str, Any] = {}
        self.limits: dict[str, Any] = {"numToday": 1, "numTotal": 7, "numAllowedNow": 4, "limitedByTotal": False}
        self.piece = 1 << 16
        self.pause = 0.0
        self.lull = 0.0
        self.cut: int | None = None
        self.stall: int | None = None
        self._over = threading.Event()
        self.sent = 0
        self._troubles: dict[str, tuple[Trouble, int | None]] = {}
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> KaggleServer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def environment(self) -> dict[str, str]:
        """Variables that bring the client here; HOME and KAGGLE_CONFIG_DIR are the caller's."""
        return {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "HTTP_PROXY": self.url,
            "http_proxy": self.url,
            "NO_PROXY": "",
            "no_proxy": "",
            "KAGGLE_USERNAME": USER,
            "KAGGLE_KEY": KEY,
            "KAGGLE_API_TOKEN": "",
        }

    @contextlib.contextmanager
    def in_process(self, home: Path) -> Iterator[None]:
        """Have the client of this very process come here, signed in, out of reach of a person's own files."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment().items():
                patch.setenv(name, value)
            patch.setenv("HOME", str(home))
            patch.setenv("KAGGLE_CONFIG_DIR", str(home / "kaggle"))
            # The client reads most of these variables while it is imported, so it must be imported anew.
            forget_kaggle()
            yield
        forget_kaggle()

    def fail(self, method: str, trouble: Trouble, *, times: int | None = None) -> None:
        """Let ``method`` answer with ``trouble``, always or so often; a function may still do the deed."""
        self._troubles[method] = (trouble, times)

    def asked(self, method: str) -> list[Request]:
        """All requests for one method so far."""
        return [request for request in self.requests if request.method == method]

    def lose_reply(self, request: Request) -> None:
        """Do as asked, but hang up before answering."""
        self.answer(request)

    def respond(self, request: Request) -> Answer | None:
        """Answer, or fail as it was ordered."""
        with self._lock:
            self.requests.append(request)
            if request.method not in self._troubles:
                return self.answer(request)
            trouble, times = self._troubles[request.method]
            if times == 1:
                del self._troubles[request.method]
            elif times:
                self._troubles[request.method] = (trouble, times - 1)
            return trouble(request) if callable(trouble) else trouble

    def answer(self, request: Request) -> Answer:
        """Answer as Kaggle would."""
        if request.method in ("GET", "PUT"):
            return self._get(request) if request.method == "GET" else self._put(request)
        login = base64.b64encode(f"{USER}:{KEY}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {login}":
            return refusal(401, "Unauthenticated")
        slug = request.json.get("competitionName")
        if slug is not None and slug not in self.competitions:
            return self.unknown
        methods = self.methods()
        if request.method not in methods:
            return refusal(404, f"There is no {request.method} here")
        return methods[request.method](request.json)

    def methods(self) -> dict[str, Callable[[dict[str, Any]], Answer]]:
        """What answers each method of the API, given the request's body."""
        return {
            "ListDataFiles": self._list_data_files,
            "DownloadDataFiles": self._download_data_files,
            "StartSubmissionUpload": self._start_submission_upload,
            "CreateSubmission": self._create_submission,
            "ListSubmissions": self._list_submissions,
            "GetSubmission": self._get_submission,
            "GetSubmissionLimits": self._get_submission_limits,
            "GetCompetition": self._get_competition,
            "ListCompetitions": self._list_competitions,
        }

    def _list_data_files(self, body: dict[str, Any]) -> Answer:
        with zipfile.ZipFile(io.BytesIO(self.competitions[body["competitionName"]])) as archive:
            files = [
                {
                    "name": entry.filename,
                    "totalBytes": entry.file_size,
                    "creationDate": "2026-01-01T00:00:00Z",
                }
                for entry in archive.infolist()
            ]
        begin = int(body.get("pageToken") or 0)
        end = begin + body.get("pageSize", 20)
        token = str(end) if end < len(files) else ""
        return Answer(content={"files": files[begin:end], "nextPageToken": token})

    def _download_data_files(self, body: dict[str, Any]) -> Answer:
        where = f"{STORAGE}/{body['competitionName']}/archive.zip?{SIGNATURE}"
        return Answer(302, "", {"Location": where})

    def _start_submission_upload(self, body: dict[str, Any]) -> Answer:
        token = f"token-{len(self.asked('StartSubmissionUpload'))}"
        self.names[token] = body["fileName"]
        return Answer(content={"token": token, "createUrl": f"{STORAGE}/upload/{token}?{SIGNATURE}"})

    def _create_submission(self, body: dict[str, Any]) -> Answer:
        if body.get("blobFileTokens") not in self.uploads:
            return refusal(400, "Submission file not found")
        ref = 1001 + len(self.submissions)
        submission = {
            "ref": ref,
            "date": "2026-01-01T00:00:00Z",
            "description": body.get("submissionDescription", ""),
            "fileName": self.names[body["blobFileTokens"]],
            "totalBytes": len(self.uploads[body["blobFileTokens"]]),
            "status": "PENDING",
            "publicScore": "",
            "privateScore": "",
        }
        self.submissions.insert(0, submission)
        return Answer(content={"message": "Successfully submitted", "ref": ref})

    def _list_submissions(self, body: dict[str, Any]) -> Answer:
        self._grade()
        begin = int(body.get("pageToken") or 0)
        end = begin + body.get("pageSize", 20)
        token = str(end) if end < len(self.submissions) else ""
        return Answer(content={"submissions": self.submissions[begin:end], "nextPageToken": token})

    def _get_submission(self, body: dict[str, Any]) -> Answer:
        self._grade()
        found = [submission for submission in self.submissions if submission["ref"] == body["ref"]]
        return Answer(content=found[0]) if found else refusal(404, "Submission not found")

    def _get_submission_limits(self, body: dict[str, Any]) -> Answer:
        return Answer(content=self.limits)

    def _list_competitions(self, body: dict[str, Any]) -> Answer:
        words = body.get("search", "").split()
        found = [slug for slug in self.competitions if any(word in slug for word in words)]
        listed = [{"ref": f"https://www.kaggle.com/competitions/{slug}", "title": slug} for slug in found]
        return Answer(content={"competitions": listed, "nextPageToken": ""})

    def _grade(self) -> None:
        if self.pending_polls > 0:
            self.pending_polls -= 1
            return
        for submission in self.submissions:
            submission.update(self.outcome)

    def _get_competition(self, body: dict[str, Any]) -> Answer:
        return Answer(
            content={
                "ref": f"https://www.kaggle.com/competitions/{body['competitionName']}",
                "deadline": "2030-01-01T00:00:00Z",
                "evaluationMetric": "Log Loss",
                "maxDailySubmissions": 5,
                "userHasEntered": True,
                "isKernelsSubmissionsOnly": False,
                "submissionsDisabled": False,
            }
            | self.facts
        )

    def _put(self, request: Request) -> Answer:
        if request.headers.get("Content-Range", "").startswith("bytes */"):
            # Not an upload, but the question how far one has come.
            return Answer(200 if request.path.rsplit("/", 1)[-1] in self.uploads else 308, "")
        self.uploads[request.path.rsplit("/", 1)[-1]] = request.body
        return Answer(201, "")

    def _get(self, request: Request) -> Answer:
        content = self.competitions[request.path.split("/")[1]]
        headers = {
            "Content-Type": "application/zip",
            "Accept-Ranges": "bytes",
            "ETag": f'"{zlib.crc32(content)}"',
            "Last-Modified": DATE,
        }
        same = request.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
        if "Range" not in request.headers or not same:
            return Answer(200, content, headers)
        begin = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if begin >= len(content):
            return Answer(416, "", {"Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        return Answer(206, content[begin:], headers)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        kaggle = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self._serve(urlsplit(self.path).path.rsplit("/", 1)[-1])

            def do_GET(self) -> None:
                self._serve("GET")

            def do_PUT(self) -> None:
                self._serve("PUT")

            def _serve(self, method: str) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = urlsplit(self.path).path
                time.sleep(kaggle.lull)
                answer = kaggle.respond(Request(method, path, dict(self.headers), body))
                if answer is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                # A client that has heard enough, by the headers, hangs up.
                with contextlib.suppress(ConnectionError):
                    self._send(answer, method)

            def _send(self, answer: Answer, method: str) -> None:
                self.send_response(answer.status)
                for name, value in answer.all_headers().items():
                    self.send_header(name, value)
                self.end_headers()
                if method == "GET":
                    self._pour(answer.encoded())
                else:
                    self.wfile.write(answer.encoded())

            def _pour(self, content: bytes) -> None:
                """Send an archive, piece by piece, as far as it is meant to get."""
                for begin in range(0, len(content), kaggle.piece):
                    end = min(begin + kaggle.piece, len(content) if kaggle.cut is None else kaggle.cut)
                    self.wfile.write(content[begin:end])
                    with kaggle._lock:
                        kaggle.sent += end - begin
                    if end == kaggle.cut:
                        self.connection.shutdown(socket.SHUT_RDWR)
                        return
                    if kaggle.stall is not None and begin >= kaggle.stall:
                        kaggle._over.wait(600)
                        return
                    time.sleep(kaggle.pause)

            def log_message(self, *words: object) -> None:
                pass

        return Handler


@contextlib.contextmanager
def said(*words: str, kind: type[EnsemblerError] = KaggleError) -> Iterator[pytest.ExceptionInfo[EnsemblerError]]:
    """Expect one error that has all these words and none of the secrets, not even in its traceback."""
    with pytest.raises(kind) as caught:
        yield caught
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "\n" not in message
    seen = "".join(traceback.format_exception(caught.value))
    for secret in (KEY, TOKEN, SIGNATURE, "secret-password"):
        assert secret not in seen


def forget_kaggle() -> None:
    """Have the next import of the client be its first."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "kaggle"]:
        del sys.modules[name]


def archive(files: dict[str, bytes], *, compressed: bool = False) -> bytes:
    """Give the bytes of a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as writer:
        for name, content in files.items():
            writer.writestr(name, content)
    return buffer.getvalue()
