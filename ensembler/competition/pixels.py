"""The rule of a competition by which photos with transparency, or with more than 8 bits, become pixels of 0 to 255."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

Depth = Literal["unsigned", "signed", "floats"]
# A ground of "none" drops transparency, which shows the colours that a file stores under transparent pixels.
Ground = Literal["", "white", "black", "grey", "none"]
DEPTHS: tuple[Depth, ...] = get_args(Depth)

_DEPTH_WORDS: dict[Depth, str] = {
    "unsigned": "whole numbers of more than 8 bits",
    "signed": "signed whole numbers",
    "floats": "floating-point numbers",
}


@dataclass(frozen=True)
class PixelRule:
    """One rule for all photos of a competition. It is empty for photos of 8 bits without transparency.

    Attributes
    ----------
    ground
        Colour that transparent pixels are put on. Empty if no photo has any.
    unsigned, signed, floats
        The two values that become 0 and 255 in photos of more than 8 bits, by the kind of their numbers. Empty if no
        photo has such numbers.
    """

    ground: Ground = ""
    unsigned: tuple[float, ...] = ()
    signed: tuple[float, ...] = ()
    floats: tuple[float, ...] = ()

    @property
    def keys(self) -> dict[str, str | list[float]]:
        """The keys that are not empty, as plain data. Whole numbers are integers."""
        content = {key: value for key, value in asdict(self).items() if value}
        return {
            key: value
            if isinstance(value, str)
            else [int(each) if float(each).is_integer() else each for each in value]
            for key, value in content.items()
        }

    def get_range(self, depth: Depth) -> tuple[float, ...]:
        """Return the two values that become 0 and 255, empty if the rule has none for such numbers."""
        found: tuple[float, ...] = getattr(self, depth)
        return found

    def complete(self, other: PixelRule) -> PixelRule:
        """Fill empty keys with those of another rule."""
        return replace(self, **{key: getattr(other, key) for key in other.keys if not getattr(self, key)})

    def find_assumptions(self) -> PixelRule:
        """Return what is assumed of photos for which this rule has no key."""
        return PixelRule(**{key: getattr(ASSUMED, key) for key in ASSUMED.keys if not getattr(self, key)})

    def describe(self) -> str:
        """Return the rule in words."""
        parts = []
        if self.ground:
            put = "dropped" if self.ground == "none" else f"put on {self.ground}"
            parts.append(f"transparency is {put}")
        for depth in DEPTHS:
            if found := self.get_range(depth):
                low, high = (f"{value:g}" for value in found)
                parts.append(f"{_DEPTH_WORDS[depth]} from {low} to {high} become 0 to 255")
        return "; ".join(parts)

    def find_problem(self) -> str:
        """Return the first problem of a rule that a user wrote, or an empty string."""
        for depth in DEPTHS:
            found = self.get_range(depth)
            if found and (len(found) != 2 or not found[0] < found[1]):
                return f"pixels.{depth} must be two numbers, the lower one first. Received: {list(found)}"
        return ""


PLAIN = PixelRule()
# The rule for photos such as no photo of the competition was: PNG defines 16 bits as the range from 0 to 65535.
ASSUMED = PixelRule(ground="white", unsigned=(0.0, 65535.0))


def describe_depth(depth: Depth) -> str:
    """Return the kind of a photo's numbers in words."""
    return _DEPTH_WORDS[depth]
