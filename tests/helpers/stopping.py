"""Progress that asks for the end."""

from __future__ import annotations

from helpers.photos import Heard


class Stopping(Heard):
    """Asks for the end at the look with this number."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    @property
    def stopping(self) -> bool:
        self.looks -= 1
        return self.looks < 0
