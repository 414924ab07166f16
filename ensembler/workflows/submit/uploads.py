"""Uploads that the ledger records at each step, so that nothing is sent twice and nothing is lost."""

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
    """Upload an answer and return the submission's number.

    Parameters
    ----------
    ledger
        Records the upload before a byte is sent.
    description
        Description on Kaggle; an upload whose reply was lost is found by it alone.
    send
        Uploads, and returns the submission's number. After a ``KaggleError`` that leaves open whether it counts, the
        upload stays open in the ledger.
    again
        Whether to upload even if these bytes were uploaded before.

    Raises
    ------
    BadChoice
        If these bytes were uploaded before.
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
    # Told before it is written down, should the disk refuse.
    progress.note(f"Kaggle took {answer.path.name} as submission {ref}.")
    ledger.mark_accepted(number, ref)
    return ref
