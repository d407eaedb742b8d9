"""Absolute addresses of what the application serves, seen from where the client stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

_HOST = re.compile(r"[A-Za-z0-9._~-]{1,255}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?", re.ASCII)

Pairs = Iterable[tuple[str, str]]


def root_of(scope: Any) -> str:
    """Scheme and host that a client asked for, without a slash at the end.

    A ``Host`` that is no host name is not repeated to anyone: the address that the server listens on stands in.
    """
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    if not _HOST.fullmatch(host):
        name, port = scope.get("server") or ("localhost", None)
        host = f"[{name}]" if ":" in name else name
        host += f":{port}" if port else ""
    return f"{scope.get('scheme', 'http')}://{host}"


def address(root: str, path: Iterable[str], query: Pairs = ()) -> str:
    """Of path segments, each quoted as a whole, and of query pairs in their order."""
    text = "/".join([root, *(quote(segment, safe="@:") for segment in path)])
    asked = urlencode(list(query), safe=",:/@")
    return f"{text}?{asked}" if asked else text
