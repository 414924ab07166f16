"""Texts of the page: what HTML cannot contain or shows misleadingly is made visible."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from markupsafe import Markup, escape

# C0 and C1 controls, lone surrogates, and marks that reverse the direction of what follows.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_CONTROL_PICTURES, _DELETE, _DELETE_PICTURE = 0x2400, 0x7F, "\N{SYMBOL FOR DELETE}"
_SMALLEST, _SURE = 0.0001, 0.9999


def make_visible(text: str) -> str:
    """Replace control characters by their pictures, and marks of direction and lone surrogates by their numbers."""
    return _UNSHOWN.sub(lambda found: _draw_character(found[0]), text)


def _draw_character(character: str) -> str:
    code = ord(character)
    if code < ord(" "):
        return chr(_CONTROL_PICTURES + code)
    if code == _DELETE:
        return _DELETE_PICTURE
    kind = unicodedata.category(character)
    return "\N{REPLACEMENT CHARACTER}" if kind == "Cs" else f"[U+{code:04X}]"


def embed_json(content: Any) -> str:
    """Return JSON for a ``script`` element: no character can end the element or begin a comment."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def capitalise(text: str) -> str:
    """Return a text with a capital first letter. Acronyms keep theirs."""
    return text.replace("roc auc", "ROC AUC")[:1].upper() + text.replace("roc auc", "ROC AUC")[1:]


def format_percent(share: float, digits: int = 1) -> str:
    """Format a share from 0 to 1 in percent."""
    return f"{100 * share:.{digits}f} %"


def format_chance(probability: float) -> str:
    """Format a probability so that only an exact 0 or 1 looks like one."""
    if 0 < probability < _SMALLEST:
        return "<.0001"
    if _SURE < probability < 1:
        return ">.9999"
    return f"{probability:.3f}" if probability >= 0.001 or probability == 0 else f"{probability:.4f}"


def format_prose(text: str) -> Markup:
    """Return a sentence as HTML, with what is between backquotes as code."""
    parts = make_visible(text).split("`")
    if len(parts) % 2 == 0:
        return escape(make_visible(text))
    words = [Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)]
    return Markup("").join(words)
