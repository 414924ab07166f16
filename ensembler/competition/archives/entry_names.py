"""Names in zips without the mark of UTF-8, which other systems write in the encoding of their language."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

# The encoding of the zip format, which holds all western letters.
WESTERN = "cp437"
# Tried in this order. GB 2312 holds the common Chinese characters; its superset GBK decodes nearly anything.
_EASTERN = ("gb2312", "big5", "gbk", "euc_kr", "shift_jis")
_CYRILLIC = ("cp866", "cp1251")
_KANA = ("HIRAGANA", "KATAKANA")


def choose_encoding(names: Collection[bytes]) -> str:
    """Return the encoding in which all ``names`` are made of letters; cp437 if none is certain.

    UTF-8 comes first, since other text is hardly ever valid UTF-8. Names with kana are Japanese. Korean and Chinese
    names cannot be told apart with certainty.
    """
    if _decode_all(names, "utf-8"):
        return "utf-8"
    if _are_letters(_decode_all(names, WESTERN)):
        return WESTERN
    japanese = _decode_all(names, "shift_jis")
    if any(_has_kana(character) for character in japanese) and _are_letters(japanese):
        return "shift_jis"
    return next((name for name in (*_EASTERN, *_CYRILLIC) if _are_letters(_decode_all(names, name))), WESTERN)


def _decode_all(names: Collection[bytes], encoding: str) -> str:
    """Return the characters outside ASCII of all names; empty if one cannot be decoded."""
    try:
        return "".join(letter for name in names for letter in name.decode(encoding) if not letter.isascii())
    except UnicodeDecodeError:
        return ""


def _are_letters(text: str) -> bool:
    return bool(text) and all(unicodedata.category(letter)[0] in "LM" for letter in text)


def _has_kana(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_KANA)
