"""Uploading with a trace in the ledger at each step, so that nothing is sent twice and nothing is lost sight of."""

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
    """Upload an answer.

    Parameters
    ----------
    ledger
        Hears of it before a byte leaves.
    answer
        What is uploaded.
    description
        What Kaggle is told; by it alone an upload is found again whose reply was lost.
    send
        Uploads, and returns the submission's number.
    progress
        Hears of the number.
    again
        Upload even if these bytes were uploaded before.

    Returns
    -------
    int
        The submission's number.

    Raises
    ------
    BadChoice
        If these bytes were uploaded before.
    KaggleError
        As ``send`` does. What may still count stays open, for the next look at Kaggle's list.
    """
    number = ledger.begin_upload(ledger.record(answer), description, again=again)
    try:
        ref = send()
    except UnconfirmedSubmission:
        raise
    except KaggleError as error:
        ledger.mark_failed(number, str(error))
        raise
    # Told before it is written down, should the disk refuse.
    progress.note(f"Kaggle took {answer.path.name} as submission {ref}.")
    ledger.mark_accepted(number, ref)
    return ref
