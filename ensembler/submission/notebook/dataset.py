"""A notebook's private dataset on Kaggle: upload it unless it is there, wait until it can be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import KaggleError
from ...progress import Progress
from ..kaggle.errors import SITE, TransientError
from ..kaggle.submissions import Kaggle
from .asking import fetch_if_exists, guard_request_about
from .bundle import is_list_name
from .folder import NotebookFolder
from .waits import DEFAULT_POLLING, PollingPolicy, tolerate_transient_errors

_READY, _FAILED = "ready", {"failed", "deleted"}
_PAGE_SIZE = 200
_RERUN_HINT = "run the same command again to go on"


@dataclass(frozen=True)
class PrivateDataset:
    """The dataset of a notebook; what Kaggle shows of it is all that is remembered.

    The client passes over files whose upload failed, so what Kaggle has is compared with what there should be.

    Attributes
    ----------
    kaggle
        Kaggle, signed in as the owner.
    folder
        The files.
    progress
        Hears of each step.
    polling
        How long they may take.
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
        """Name of the file that lists the others, and so stands for their content."""
        return next(path.name for path in self.folder.dataset.iterdir() if is_list_name(path.name))

    def upload(self) -> None:
        """Have the dataset on Kaggle with the files of the folder, and wait until it can be used.

        Raises
        ------
        KaggleError
            If Kaggle refuses it, loses a file, or takes too long.
        """
        status = self._read_status()
        if status is not None:
            if status not in {_READY, *_FAILED}:
                self._wait(complete=False)
            if not self._list_missing_files():
                self.progress.note(f"Kaggle has the files of {self._what} already.")
                return
        self._send(new=status is None)
        self._wait(complete=True)

    def _read_status(self) -> str | None:
        """Look how far Kaggle is with it; None if there is none."""
        reference = self.folder.reference
        return fetch_if_exists(
            self.kaggle, self._what, lambda: str(self.kaggle.api.dataset_status(reference)), self.progress
        )

    def _send(self, *, new: bool) -> None:
        files = self._list_expected_files()
        size = sum((self.folder.dataset / name).stat().st_size for name in files) / 1e6
        self.progress.note(f"Uploading {self._what}: {len(files)} files, {size:.1f} MB.")
        try:
            reply = self._create() if new else self._create_version()
        except TransientError:
            if new and self._read_status() is not None:
                return
            raise
        # The client asks again when a reply is lost, and is told then that there is such a dataset.
        if (reply.error or reply.status == "error") and not (new and self._read_status() is not None):
            reason = self.kaggle.clean_message(reply.error) or "it gives no reason"
            raise KaggleError(f"Kaggle did not take {self._what}: {reason}; {_RERUN_HINT}.")

    def _create(self) -> Any:
        with guard_request_about(self.kaggle, self._what):
            return self.kaggle.api.dataset_create_new(str(self.folder.dataset), public=False, quiet=True)

    def _create_version(self) -> Any:
        with guard_request_about(self.kaggle, self._what):
            return self.kaggle.api.dataset_create_version(str(self.folder.dataset), self.list_name, quiet=True)

    def _wait(self, *, complete: bool) -> None:
        """Wait until the dataset is ready and, if ``complete``, shows all files of the folder."""
        task = self.progress.start(f"waiting for {self._what}", 0)
        status, missing, stuck_since = "", list[str](), None
        try:
            for elapsed in self.polling.iterate_elapsed():
                with tolerate_transient_errors(self.progress):
                    status = self._read_status() or "not there yet"
                    missing = self._list_missing_files() if complete and status == _READY else []
                    if status == _READY and not missing:
                        return
                    # For a while Kaggle may show what became of the version before.
                    stuck = bool(missing) or status in _FAILED
                    stuck_since = (elapsed if stuck_since is None else stuck_since) if stuck else None
                    if stuck_since is not None and elapsed - stuck_since >= self.polling.settling_seconds:
                        break
        finally:
            task.finish()
        if missing:
            raise KaggleError(
                f"{self.folder.reference} lacks {', '.join(missing)}, whose upload failed: {_RERUN_HINT}."
            )
        if status in _FAILED:
            page = f"{SITE}/datasets/{self.folder.reference}"
            raise KaggleError(f"Kaggle could not make {self._what} ({status}): delete it at {page}, and {_RERUN_HINT}.")
        raise KaggleError(f"{self.polling.describe_timeout(self._what, status)}: {_RERUN_HINT}.")

    def _list_missing_files(self) -> list[str]:
        """Files of the folder that the dataset does not show."""
        listed: set[str] = set()
        token: str | None = None
        while True:
            page = self.kaggle.retry_policy.call(lambda token=token: self._list_files_page(token), self.progress)  # type: ignore[misc]
            listed |= {str(file.name) for file in page.files}
            token = page.next_page_token
            if not token or not page.files:
                return [name for name in self._list_expected_files() if name not in listed]

    def _list_files_page(self, token: str | None) -> Any:
        with guard_request_about(self.kaggle, self._what):
            return self.kaggle.api.dataset_list_files(self.folder.reference, page_token=token, page_size=_PAGE_SIZE)

    def _list_expected_files(self) -> list[str]:
        return sorted(path.name for path in self.folder.dataset.iterdir() if path.name != "dataset-metadata.json")
