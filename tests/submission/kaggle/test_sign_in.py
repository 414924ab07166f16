from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from helpers.kaggle_server import KEY, TOKEN, USER, Answer, KaggleServer, refusal, said

from ensembler.submission.kaggle.retry_policy import RetryPolicy
from ensembler.submission.kaggle.sign_in import find_credentials, sign_in

QUICK = RetryPolicy(read_timeout=5, first_pause=0.001)


@pytest.fixture
def server(tmp_path):
    with KaggleServer() as server, server.in_process(tmp_path):
        yield server


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home without credentials, and none in the environment."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".kaggle").mkdir()
    return tmp_path / ".kaggle"


def test_signing_in_prints_nothing_and_leaves_stdin_open(server, capfd):
    sign_in(QUICK)
    assert capfd.readouterr() == ("", "")


def test_no_credentials(server, monkeypatch, capfd):
    monkeypatch.delenv("KAGGLE_KEY")
    stdin = io.StringIO("still open")
    monkeypatch.setattr(sys, "stdin", stdin)
    with said("https://www.kaggle.com/settings/api", "KAGGLE_API_TOKEN", "kaggle auth login"):
        sign_in(QUICK)
    assert capfd.readouterr() == ("", "")
    assert sys.stdin is stdin
    assert stdin.read() == "still open"


def test_credentials_may_come_later(server, monkeypatch):
    monkeypatch.delenv("KAGGLE_KEY")
    with said():
        sign_in(QUICK)
    monkeypatch.setenv("KAGGLE_KEY", KEY)
    assert sign_in(QUICK)


def test_the_folder_for_settings_cannot_be_made(server, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "file" / "folder"))
    with said("KAGGLE_CONFIG_DIR", str(tmp_path)):
        sign_in(QUICK)


STALE = [
    "Kaggle does not accept the token in KAGGLE_API_TOKEN, which hides the API key in KAGGLE_USERNAME and KAGGLE_KEY"
]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal(400, "Invalid token"), STALE),
        (Answer(content={"active": False}), STALE),
        (refusal(401, f"No {TOKEN}"), STALE),
        (refusal(503, "Busy"), ["503", "few minutes"]),
        (None, ["HTTPS_PROXY"]),
        (Answer(content="<html>Welcome to our hotel</html>"), ["login page"]),
    ],
)
def test_a_token_that_is_not_taken(server, monkeypatch, answer, words):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    server.fail("IntrospectToken", answer)
    with said(*words):
        sign_in(QUICK)


def test_a_token_that_is_taken(server, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    server.fail("IntrospectToken", Answer(content={"active": True, "username": "somebody"}))
    assert sign_in(QUICK).config_values["username"] == "somebody"


def test_a_token_is_asked_about_within_limits(server, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    monkeypatch.setattr(server, "lull", 3.0)
    server.fail("IntrospectToken", Answer(content={"active": True, "username": "somebody"}))
    with said("did not respond in time"):
        sign_in(RetryPolicy(read_timeout=0.1))


def test_importing_us_asks_kaggle_nothing():
    script = (
        "import sys, ensembler.submission.kaggle.submissions, ensembler.submission.kaggle.download\n"
        "assert not {'kaggle', 'kagglesdk', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


KEYS = json.dumps({"username": USER, "key": KEY})


@pytest.mark.parametrize(
    ("environment", "files", "expected"),
    [
        ({}, {}, []),
        ({"KAGGLE_API_TOKEN": TOKEN}, {}, ["the token in KAGGLE_API_TOKEN"]),
        ({}, {"access_token": TOKEN}, ["the token in ~/access_token"]),
        ({}, {"access_token.txt": f"{TOKEN}\n"}, ["the token in ~/access_token.txt"]),
        ({}, {"access_token": "\n"}, []),
        ({"KAGGLE_USERNAME": USER, "KAGGLE_KEY": KEY}, {}, ["the API key in KAGGLE_USERNAME and KAGGLE_KEY"]),
        ({"KAGGLE_USERNAME": USER}, {}, []),
        ({}, {"kaggle.json": KEYS}, ["the API key in ~/kaggle.json"]),
        ({}, {"kaggle.json": "{}"}, []),
        ({}, {"kaggle.json": "broken"}, []),
        ({"KAGGLE_KEY": KEY}, {"kaggle.json": KEYS}, ["the API key in KAGGLE_KEY and ~/kaggle.json"]),
        ({}, {"credentials.json": "{}"}, ["the login in ~/credentials.json"]),
        (
            {"KAGGLE_API_TOKEN": TOKEN, "KAGGLE_USERNAME": USER, "KAGGLE_KEY": KEY},
            {"access_token": TOKEN, "kaggle.json": KEYS, "credentials.json": "{}"},
            [
                "the token in KAGGLE_API_TOKEN",
                "the token in ~/access_token",
                "the API key in KAGGLE_USERNAME and KAGGLE_KEY",
                "the API key in ~/kaggle.json",
                "the login in ~/credentials.json",
            ],
        ),
    ],
)
def test_which_credentials_there_are(home, monkeypatch, environment, files, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name, content in files.items():
        (home / name).write_text(content)
    assert [str(each).replace(str(home), "~") for each in find_credentials()] == expected


def test_a_token_may_be_the_path_of_one(home, monkeypatch):
    (home / "mine").write_text(TOKEN)
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(home / "mine"))
    assert [str(each) for each in find_credentials()] == [f"the token in {home / 'mine'} (from KAGGLE_API_TOKEN)"]


def test_settings_may_lie_elsewhere(home, tmp_path, monkeypatch):
    (tmp_path / "kaggle.json").write_text(KEYS)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    assert [each.source for each in find_credentials()] == [str(tmp_path / "kaggle.json")]


@pytest.mark.parametrize("name", ["KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"])
@pytest.mark.parametrize("value", [f"{TOKEN}\n", f" {TOKEN}", f"{TOKEN}ä"])
def test_a_credential_that_no_request_can_carry(server, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with said(name, "set it again"):
        sign_in(QUICK)
    assert server.requests == []


@pytest.mark.parametrize("content", ["", "[]", "{", '{"user": 5}'])
def test_a_key_file_that_holds_no_key(server, home, monkeypatch, content):
    (home / "kaggle.json").write_text(content)
    with said(str(home / "kaggle.json"), "JSON"):
        sign_in(QUICK)
