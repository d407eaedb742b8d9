"""What the city logic lends to those who change its incidents on behalf of people."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from brain.incidents.fold import Case
from brain.incidents.reasons import Reason
from brain.incidents.rules import Rules
from streams.records import Headers


class Ops(NamedTuple):
    """``touch``: record, state and timers follow a change. ``over``: it is over, its effects
    stand on their own. ``bury``: it leaves the topic some day. ``tell``: a record besides incidents."""

    note: Callable[[Case, int, Reason, str], None]
    tell: Callable[[tuple[str, bytes, bytes, Headers]], None]
    touch: Callable[[Case], None]
    consider: Callable[[Case, int], None]
    withhold: Callable[..., None]
    release: Callable[[Case, int], None]
    over: Callable[[Case, int], None]
    bury: Callable[[Case, int], None]
    rules: Callable[[], Rules]
    counted: Callable[[str], None]
