"""The real client, signed in to the small Kaggle of this machine."""

from __future__ import annotations

import pytest
from helpers.kaggle_server import KaggleServer
from helpers.kaggle_setup import QUICK, SLUG, ZIP

from ensembler.submission.kaggle.submissions import Kaggle


@pytest.fixture
def server(tmp_path):
    with KaggleServer({SLUG: ZIP}) as server, server.in_process(tmp_path):
        yield server


@pytest.fixture
def kaggle(server):
    return Kaggle.connect(QUICK)


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "answer.csv"
    path.write_text("id,label\n1,0.5\n")
    return path
