"""The mirror of a job's files on a node: the driver's files below another folder, at the same paths."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ...errors import StorageError, TransferFailed
from ...events import Event
from ...job_files import JobFiles
from ...paths import MIRROR_VARIABLE
from ...progress import Progress
from ..job import Job
from .channel import Ask, Channel
from .fetching import Fetcher, OutdatedListing
from .messages import Content, Described, ListedFile, Refused, Shipment, WantShipment, decode_listing
from .node_folder import NodeFolder
from .path_mapping import PathMapping
from .returns import Returns

# Number of times that files are listed while others change them.
_MOST_LISTINGS = 5


class Mirror:
    """Mirror of a job's files. :func:`open_mirror` creates it.

    Attributes
    ----------
    environment
        Variables for the environment of the job's process.
    working_folder
        Working folder of the job's process.
    """

    def __init__(self, files: Path, shipment: Shipment, mapping: PathMapping, returns: Returns) -> None:
        self._mapping = mapping
        self._returns = returns
        paths = {name: mapping.map_path(path) for name, path in shipment.environment.items()}
        self.environment: Mapping[str, str] = {MIRROR_VARIABLE: str(files), **paths}
        self.working_folder = Path(mapping.map_path(shipment.working_folder))
        self.working_folder.mkdir(parents=True, exist_ok=True)

    def map_job(self, job: Job, log: Path) -> tuple[Job, Path]:
        """Return the job and the path of its log with paths in the mirror."""
        here = Path(self._mapping.map_path(str(log)))
        here.parent.mkdir(parents=True, exist_ok=True)
        return replace(job, spec=self._mapping.map_paths(job.spec), files=JobFiles), here

    def restore(self, text: str) -> str:
        """Return a line of the job's output with paths of the driver."""
        return self._mapping.restore_text(text)

    def notice(self, event: Event) -> None:
        """Bring changed files back in the background at each epoch's beginning and end."""
        self._returns.notice(event)

    def bring_back(self) -> None:
        """Bring all changed files back. Call it after the job's process has ended, however it ended.

        Raises
        ------
        TransferFailed, StorageError
            If files cannot be brought back.
        """
        self._returns.bring_back()


@contextlib.contextmanager
def open_mirror(
    key: str, ask: Ask, channel: Channel, progress: Progress, folder: NodeFolder | None = None
) -> Iterator[Mirror]:
    """Fetch the files of a job and provide their mirror, which is deleted after the block.

    Parameters
    ----------
    key
        Name of the attempt, as in :meth:`.FileServer.open`.
    ask
        Function that sends a request to :meth:`.FileServer.answer` of the driver and waits for the reply. Several
        threads call it.
    channel
        Way of the pieces.
    progress
        Receives the progress of transfers, and may request a stop.
    folder
        Folder of the node. None uses :func:`.locate_node_folder`.

    Raises
    ------
    StorageError
        If the disk of the node has too little space.
    TransferFailed
        If the driver refuses, a photo has changed since it was listed, another file changes again and again, or a
        checksum is wrong twice.
    Interrupted
        If the progress requests a stop.
    """
    node = folder or NodeFolder()
    fetcher = Fetcher(node.store, ask, channel, progress)
    with node.hold_mirror(progress) as files:
        # The lock prevents other jobs from deleting contents that are not linked yet.
        with node.hold_transfer(progress):
            shipment, listed = _fetch(key, ask, node, fetcher)
            _fill(node, files, shipment, listed)
        returns = Returns(key, files, shipment.writes, ask, channel, progress)
        with contextlib.closing(returns):
            yield Mirror(files, shipment, PathMapping(files, shipment.roots), returns)


def _fetch(key: str, ask: Ask, node: NodeFolder, fetcher: Fetcher) -> tuple[Shipment, list[ListedFile]]:
    """Fetch all files of a job as they are now, and again if others change them meanwhile."""
    left = _MOST_LISTINGS
    while True:
        left -= 1
        try:
            return _fetch_once(key, ask, node, fetcher)
        except OutdatedListing:
            if not left:
                raise


def _fetch_once(key: str, ask: Ask, node: NodeFolder, fetcher: Fetcher) -> tuple[Shipment, list[ListedFile]]:
    reply = ask(WantShipment(key))
    if not isinstance(reply, Described):
        raise TransferFailed(reply.text if isinstance(reply, Refused) else f"Unexpected reply: {reply}")
    listings = reply.shipment.listings
    fetcher.fetch(listings, "fetch lists of files")
    listed = [each for listing in listings for each in _read_listing(node, listing)]
    fetcher.fetch((each.content for each in listed), "fetch files")
    return reply.shipment, listed


def _read_listing(node: NodeFolder, listing: Content) -> list[ListedFile]:
    return decode_listing(node.store.locate(listing.digest).read_bytes())


def _fill(node: NodeFolder, files: Path, shipment: Shipment, listed: list[ListedFile]) -> None:
    try:
        for path in shipment.shared:
            place = Path(f"{files}{path}")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(node.open_shared(shipment.origin, path))
        folders: set[Path] = set()
        for each in listed:
            place = Path(f"{files}{each.path}")
            if place.parent not in folders:
                place.parent.mkdir(parents=True, exist_ok=True)
                folders.add(place.parent)
            if not place.exists():
                node.store.link(each.content.digest, place)
    except OSError as error:
        raise StorageError.from_os(error) from error
