"""Lists of the files of a job, for engines whose machines share no folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class JobFiles:
    """Files of a job, which an engine without a shared folder carries to the job's machine and back.

    Attributes
    ----------
    reads
        Absolute paths and glob patterns of the files that the job reads, where they exist. A folder stands for all
        files below it.
    writes
        Absolute paths and glob patterns of the files that it writes, and folders of them. Files of a later entry are
        brought back after those of an earlier one.
    photos
        Absolute paths of photos that it reads. Jobs may share one long tuple.
    shared
        Absolute paths of folders that jobs on one machine share and that stay there, such as caches.
    environment
        Environment variables with absolute paths, which are set to the job's own paths.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    photos: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def join(self, *others: JobFiles) -> JobFiles:
        """Return these files and those of others, each once."""
        parts = (self, *others)
        photos = [each.photos for each in parts if each.photos]
        return JobFiles(
            reads=_chain(each.reads for each in parts),
            writes=_chain(each.writes for each in parts),
            # A long tuple stays the same object.
            photos=photos[0] if len(photos) == 1 else _chain(photos),
            shared=_chain(each.shared for each in parts),
            environment={name: path for each in parts for name, path in each.environment.items()},
        )


def _chain(parts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path for part in parts for path in part))
