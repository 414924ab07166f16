from __future__ import annotations

from helpers.kaggle_server import Answer, refusal, said
from helpers.kaggle_setup import QUICK, SLUG

from ensembler.submission.kaggle.submissions import Kaggle


def test_sign_in_outlasts_passing_trouble(server, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_secret-token")
    taken = Answer(content={"active": True, "username": "somebody"})
    answers = [refusal(503, "Busy")] * 3 + [taken]
    server.fail("IntrospectToken", lambda request: answers.pop(0))
    assert Kaggle.connect(QUICK).username == "somebody"


def test_a_token_is_sent(server, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_secret-token")
    server.fail("IntrospectToken", Answer(content={"active": True, "username": "tester"}))
    server.fail("ListSubmissions", Answer(content={"submissions": []}))
    assert Kaggle.connect(QUICK).list_submissions(SLUG) == []
    assert server.requests[-1].headers["Authorization"] == "Bearer KGAT_secret-token"


def test_a_proxy_that_is_not_there(server, kaggle, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://me:secret-password@127.0.0.1:9")
    with said("HTTPS_PROXY"):
        kaggle.fetch_competition(SLUG)


def test_a_network_without_a_proxy(server, kaggle, monkeypatch):
    from kagglesdk import kaggle_env

    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, server.url)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    server.fail("GetCompetition", None)
    with said("check the network and try again"):
        kaggle.fetch_competition(SLUG)
