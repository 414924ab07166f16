"""Upload of a notebook's private dataset to Kaggle, unless Kaggle already has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import KaggleError
from ...progress import Progress
from ..kaggle.competitions import PAGE_SIZE
from ..kaggle.errors import SITE, TransientError
from ..kaggle.polling import DEFAULT_POLLING, PollingPolicy
from ..kaggle.submissions import Kaggle
from .asking import RERUN_HINT, fetch_if_exists, guard_request_about
from .bundle import is_list_name
from .folder import NotebookFolder

_READY, _FAILED = "ready", {"failed", "deleted"}


@dataclass(frozen=True)
class PrivateDataset:
    """The dataset of a notebook. Its only state is on Kaggle.

    The client ignores failed uploads of files, so Kaggle's list of files is compared with the folder. ``kaggle`` must
    be signed in as the owner.
    """

    kaggle: Kaggle
    folder: NotebookFolder
    progress: Progress
    polling: PollingPolicy = DEFAULT_POLLING

    @property
    def _what(self) -> str:
        return f"the dataset {self.folder.reference}"

    @property
    def list_name(self) -> str:
        """Name of the file that lists the others, which identifies their content."""
        return next(path.name for path in self.folder.dataset.iterdir() if is_list_name(path.name))

    def upload(self) -> None:
        """Upload the folder unless Kaggle has its files, and wait until the dataset is ready."""
        status = self._read_status()
        if status is not None:
            if status not in {_READY, *_FAILED}:
                self._wait(complete=False)
            if not self._list_missing_files():
                self.progress.note(f"Kaggle already has the files of {self._what}.", detail=True)
                return
        self._send(new=status is None)
        self._wait(complete=True)

    def _read_status(self) -> str | None:
        """Return the dataset's status; None if there is no dataset."""
        reference = self.folder.reference
        return fetch_if_exists(
            self.kaggle, self._what, lambda: str(self.kaggle.api.dataset_status(reference)), self.progress
        )

    def _send(self, *, new: bool) -> None:
        files = self._list_expected_files()
        size = sum((self.folder.dataset / name).stat().st_size for name in files) / 1e6
        self.progress.note(f"Uploading {self._what}: {len(files)} files, {size:.1f} MB.")
        upload, path = self.kaggle.api, str(self.folder.dataset)
        try:
            with guard_request_about(self.kaggle, self._what):
                reply: Any = (
                    upload.dataset_create_new(path, public=False, quiet=True)
                    if new
                    else upload.dataset_create_version(path, self.list_name, quiet=True)
                )
        except TransientError:
            if new and self._read_status() is not None:
                return
            raise
        # If a response is lost, the client repeats the request, and Kaggle reports that the dataset exists.
        if (reply.error or reply.status == "error") and not (new and self._read_status() is not None):
            reason = self.kaggle.clean_message(reply.error) or "it gives no reason"
            raise KaggleError(f"Kaggle did not accept {self._what}: {reason}; {RERUN_HINT}.")

    def _wait(self, *, complete: bool) -> None:
        """Wait until the dataset is ready and, if ``complete``, lists all files of the folder."""
        status, missing, stuck_since = "", list[str](), None

        def is_over(elapsed: float) -> bool | None:
            nonlocal status, missing, stuck_since
            status = self._read_status() or "missing"
            missing = self._list_missing_files() if complete and status == _READY else []
            if status == _READY and not missing:
                return True
            # For a while Kaggle may show the state of the previous version.
            stuck = bool(missing) or status in _FAILED
            stuck_since = (elapsed if stuck_since is None else stuck_since) if stuck else None
            return (stuck_since is not None and elapsed - stuck_since >= self.polling.settling_seconds) or None

        self.polling.poll(is_over, self.progress, f"waiting for {self._what}")
        if status == _READY and not missing:
            return
        if missing:
            raise KaggleError(f"The upload of {', '.join(missing)} to {self.folder.reference} failed: {RERUN_HINT}.")
        if status in _FAILED:
            page = f"{SITE}/datasets/{self.folder.reference}"
            raise KaggleError(
                f"Kaggle could not create {self._what} ({status}): delete it at {page}, and {RERUN_HINT}."
            )
        raise KaggleError(f"{self.polling.describe_timeout(self._what, status)}: {RERUN_HINT}.")

    def _list_missing_files(self) -> list[str]:
        """Return the files of the folder that the dataset does not list."""

        def list_page(token: str) -> tuple[list[str], str]:
            with guard_request_about(self.kaggle, self._what):
                page = self.kaggle.api.dataset_list_files(
                    self.folder.reference, page_token=token or None, page_size=PAGE_SIZE
                )
                return [str(file.name) for file in page.files], str(page.next_page_token or "")

        listed = {name for names, _ in self.kaggle.iterate_pages(list_page, self.progress) for name in names}
        return [name for name in self._list_expected_files() if name not in listed]

    def _list_expected_files(self) -> list[str]:
        return sorted(path.name for path in self.folder.dataset.iterdir() if path.name != "dataset-metadata.json")
