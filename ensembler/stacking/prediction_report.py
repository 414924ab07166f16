"""What a prediction says of its photos: those that cannot be decoded, and those that the competition had not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..competition.pixels import PixelRule
from ..errors import format_count, format_first
from ..progress import Progress


@dataclass(frozen=True)
class PredictionReport:
    """Peculiarities of predicted photos, in the order of the photos.

    Attributes
    ----------
    unreadable
        Reasons why photos cannot be decoded.
    assumed
        Photos with transparency or 16 bits, of which the stack's rule of pixels says nothing.
    beyond
        Photos with many numbers beyond the range of the rule.
    """

    unreadable: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()

    @classmethod
    def join(cls, reports: Sequence[PredictionReport]) -> PredictionReport:
        """Join the reports of successive photos."""
        return cls(
            unreadable=tuple(text for report in reports for text in report.unreadable),
            assumed=tuple(name for report in reports for name in report.assumed),
            beyond=tuple(name for report in reports for name in report.beyond),
        )

    def warn(self, rule: PixelRule, progress: Progress) -> None:
        """Warn of all peculiarities."""
        if self.assumed:
            progress.warn(
                f"{_describe(self.assumed)} transparency or 16 bits, of which the stack's rule of pixels says nothing: "
                f"{rule.find_assumptions().describe()}."
            )
        if self.beyond:
            progress.warn(
                f"{_describe(self.beyond)} many pixels beyond the range of the stack's rule of pixels, which are "
                f"clipped: {rule.describe()}."
            )
        for text in self.unreadable:
            progress.warn(text)


def _describe(names: Sequence[str]) -> str:
    return f"{format_count(names, 'photo')} ({format_first(names)}) {'has' if len(names) == 1 else 'have'}"
