"""A small competition on the small Kaggle of this machine, and patience for tests."""

from __future__ import annotations

import os

from helpers.kaggle_server import Answer, archive, refusal

from ensembler.submission.kaggle.retry_policy import RetryPolicy

SLUG = "cats-and-dogs"
ZIP = archive({f"train/{number}.jpg": os.urandom(2000) for number in range(450)})
QUICK = RetryPolicy(read_timeout=5, first_pause=0.001, max_pause=0.001, max_attempts=3)
RULES = f"https://www.kaggle.com/competitions/{SLUG}/rules"


TROUBLE = {
    "429 with Retry-After": Answer(429, "", {"Retry-After": "0"}),
    "500": refusal(500, "Oops"),
    "502, not as JSON": Answer(502, "<html>Bad gateway</html>"),
    "hung up": None,
}
