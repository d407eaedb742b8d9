"""Foreign XML as a small tree, or a refusal: no document type, no entities, bounded size, depth and count.

Only UTF-8, UTF-16 with its mark, and GB 18030 (with what it contains: GBK, GB 2312) are read.
"""

from __future__ import annotations

import codecs
import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from brain.contracts.warning import Refused, WarningReason

LIMIT: Final = 256 * 1024
DEPTH: Final = 12
ELEMENTS: Final = 10_000

UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\ud800-\udfff\ufffe\uffff]")
_DECLARED = re.compile(r"\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]{0,200}?\?>")
_CODECS: Final = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "ascii": "utf-8", "gb18030": "gb18030", "gbk": "gb18030",
    "gb2312": "gb18030", "utf-16": "utf-16",
}  # fmt: skip


class _Bounded(TreeBuilder):
    """Builds the tree and gives up in time: freeing a tree of any depth would need as deep a stack."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = self._count = 0

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self._depth += 1
        self._count += 1
        if self._depth > DEPTH or self._count > ELEMENTS:
            what = f"nested over {DEPTH} deep" if self._depth > DEPTH else f"over {ELEMENTS} elements"
            raise Refused(WarningReason.TOO_LARGE, what)
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse(value: bytes | None) -> Element:
    """The root element. Raises Refused and nothing else, whatever the bytes are."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import XMLParser

    text = _text(value)
    parser = XMLParser(target=_Bounded(), encoding="utf-8", forbid_dtd=True)
    try:
        parser.feed(text.encode())
        root = parser.close()
    except DefusedXmlException as error:
        raise Refused(WarningReason.FORBIDDEN_XML, type(error).__name__) from None
    except (ParseError, ValueError, AssertionError) as error:
        # An undefined entity comes as ParseError, a lone surrogate as ValueError.
        raise Refused(WarningReason.NOT_XML, str(error)) from None
    if not isinstance(root, Element):
        raise Refused(WarningReason.NOT_XML, "no element")
    return root


def printable(text: str) -> str:
    """Text that comes back from XML as it went in: what XML cannot hold, or would change, becomes U+FFFD."""
    return UNPRINTABLE.sub("\ufffd", text)


def _text(value: bytes | None) -> str:
    if not value or not value.strip():
        raise Refused(WarningReason.EMPTY, "no payload")
    if len(value) > LIMIT:
        raise Refused(WarningReason.TOO_LARGE, f"{len(value)} bytes, at most {LIMIT}")
    if value.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = "utf-16"
    else:
        declared = _DECLARED.match(value[:300].decode("latin-1").removeprefix("\xef\xbb\xbf"))
        name = declared[1].lower() if declared else "utf-8"
        codec = _CODECS.get(name, "")
        if not codec or codec == "utf-16":
            raise Refused(WarningReason.BAD_ENCODING, f"encoding {name}: expected UTF-8, UTF-16 with mark or GB 18030")
    try:
        text = value.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Refused(WarningReason.BAD_ENCODING, f"byte {error.start}: {error.reason}") from None
    # The declaration names the encoding of the bytes, which are gone.
    return _DECLARATION.sub("", text, count=1)
