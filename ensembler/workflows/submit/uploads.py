"""Uploads that the ledger records at each step, so that none is repeated or lost."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import KaggleError
from ...progress import Progress
from ...submission.kaggle.errors import UnconfirmedSubmission
from ...submission.ledger.ledger import Ledger
from ...submission.ledger.rows import Answer


def upload(
    ledger: Ledger, answer: Answer, description: str, send: Callable[[], int], progress: Progress, *, again: bool
) -> int:
    """Upload a submission and return its number.

    Parameters
    ----------
    ledger
        Ledger that records the upload before it starts.
    description
        Description on Kaggle. An upload without a reply is found by it.
    send
        Function that uploads the file and returns the submission's number. After an ``UnconfirmedSubmission``, the
        upload stays open in the ledger.
    again
        Whether to upload even if these bytes were uploaded before.

    Raises
    ------
    BadChoice
        If these bytes were uploaded before and ``again`` is not set.
    KaggleError
        If ``send`` raises it.
    """
    number = ledger.begin_upload(ledger.record(answer), description, again=again)
    try:
        ref = send()
    except UnconfirmedSubmission:
        raise
    except KaggleError as error:
        ledger.mark_failed(number, str(error))
        raise
    # The note precedes the ledger, in case that writing fails.
    progress.note(f"Kaggle accepted {answer.path.name} as submission {ref}.")
    ledger.mark_accepted(number, ref)
    return ref
