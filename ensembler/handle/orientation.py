"""Methods of a handle for orientation tasks."""

from __future__ import annotations

from typing import Unpack

from ..options.arguments import Paths
from ..options.declared import EngineOptions
from ..options.reading import ENGINE, show_options
from ..paths import PathLike
from ..workflows.turn import DEFAULT_CONFIDENCE, TurnedPhotos, turn_photos
from .facts import CompetitionFacts


class OrientationMethods(CompetitionFacts):
    """Methods for orientation tasks, see docs/orientation.md."""

    @show_options(ENGINE)
    def turn_photos(
        self,
        photos: Paths,
        output: PathLike,
        *,
        stack: PathLike | None = None,
        exif: bool = False,
        confidence: float = DEFAULT_CONFIDENCE,
        batch_size: int = 32,
        **options: Unpack[EngineOptions],
    ) -> TurnedPhotos:
        """Write photos turned upright; see :func:`ensembler.turn_photos`.

        Examples
        --------
        >>> ensembler.open("pets").turn_photos(["photos/dogs/1.png"], "upright", stack="first")
        Traceback (most recent call last):
        ensembler.errors.BadChoice: ...
        """
        with self.progress as progress:
            return turn_photos(
                photos,
                output,
                stack=stack,
                exif=exif,
                confidence=confidence,
                batch_size=batch_size,
                competition=self,
                progress=progress,
                **options,
            )
