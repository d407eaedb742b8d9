"""Whether a text is in one language: what is said to people who write a set, in Chinese and in English."""

from __future__ import annotations

import re

_DATA = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|brain( [a-z]+)+|/\S*|detect\.\w+ \w+")
"""What is quoted, listed, a command or a path: the same in both."""
_ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,}\b(?! ?[一-鿿])|\b(expected|got|missing|must|not|are|is|the)\b")
_CHINESE = re.compile(r"[一-鿿]")


def trouble(zh: str, en: str) -> str:
    """What is in the wrong language; empty where nothing is."""
    bare_zh, bare_en = _DATA.sub("", zh), _DATA.sub("", en)
    if not _CHINESE.search(bare_zh):
        return f"no Chinese: {zh!r}"
    if found := _ENGLISH.search(bare_zh):
        return f"English {found[0]!r} in {zh!r}"
    if found := _CHINESE.search(bare_en):
        return f"Chinese {found[0]!r} in {en!r}"
    return ""
