"""Dead letters of assets that were not known: sent again by the conductor once a set in force knows them.

The mark (which set, how far each partition has been looked through) is written in the transaction that sends, so a new
conductor goes on where the last one stood and nothing is sent twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from streams.deadletter import REQUEUED_FROM, REQUEUED_SET, Letter, letter_of
from streams.log import OffsetGone
from streams.records import AUDIT_TYPE, CE_TYPE, TP, Batch, Reason, Write

KEY = b"reclaim"

Claims = Callable[[str, Letter], bool]
"""(set id, dead letter) → whether that set makes it worth another try. Raises KeyError for a set that is not here."""

_json = msgspec.json.Encoder().encode


class ReclaimLog(Protocol):
    """What is needed of the conductor's log."""

    state: TP

    async def fetch(self, positions: Mapping[TP, int], wait: float) -> list[Batch]:
        """Next batches at these positions."""
        ...

    async def commit(self, writes: Sequence[Write]) -> None:
        """Write all in one transaction."""
        ...

    async def earliest(self, tp: TP) -> int:
        """First offset that the partition still holds."""
        ...


class Mark(msgspec.Struct):
    """How far the dead letters have been looked through for a set: partition → next offset."""

    set: str = ""
    at: dict[str, int] = {}


class Reclaimer:
    """Follows the dead letters as long as a set is in force: a lane that lags may still bury for lack of that set."""

    def __init__(self, letters: Sequence[TP], audit: str, claims: Claims) -> None:
        self.letters, self.audit, self.claims = list(letters), audit, claims
        self.mark = Mark()

    def load(self, value: bytes | None) -> None:
        """The mark as it was last committed."""
        self.mark = msgspec.json.decode(value, type=Mark) if value else Mark()

    async def step(self, log: ReclaimLog, set_id: str) -> int:
        """Look through what is there and send again what the set now knows; how many. Waits for nothing.

        A letter that was sent again for this very set is left where it is, and so is one that holds only the head of
        its original: `brain deadletter requeue` reads those anew.
        """
        if self.mark.set != set_id:
            self.mark = Mark(set_id, {str(tp): await log.earliest(tp) for tp in self.letters})
        positions = {tp: self.mark.at.get(str(tp), 0) for tp in self.letters}
        try:
            got = await log.fetch(positions, 0.0)
        except OffsetGone:  # retention was quicker
            self.mark.at = {str(tp): max(positions[tp], await log.earliest(tp)) for tp in self.letters}
            return 0
        writes: list[Write] = []
        moved = dict(self.mark.at)
        for batch in got:
            if batch.first == positions[batch.source]:
                moved[str(batch.source)] = batch.next
                writes += self._again(batch, set_id)
        if writes:
            mark = Mark(set_id, moved)
            await log.commit([*writes, Write(log.state, KEY, _json(mark))])
        self.mark = Mark(set_id, moved)
        return len(writes) // 2

    def _again(self, batch: Batch, set_id: str) -> list[Write]:
        out: list[Write] = []
        for row in sorted(batch.headers):
            letter = self._wanted(batch, row, set_id)
            if letter is not None:
                heads = ((REQUEUED_FROM, letter.id.encode()), (REQUEUED_SET, set_id.encode()))
                out.append(Write(letter.origin, letter.key, letter.value, heads))
                note: dict[str, Any] = {
                    "what": "deadletter.requeue", "by": "conductor", "id": letter.id, "stage": letter.stage,
                    "reason": letter.reason, "size": letter.size, "set": set_id,
                }  # fmt: skip
                audit = TP(self.audit, batch.source.partition)
                out.append(Write(audit, letter.id.encode(), _json(note), ((CE_TYPE, AUDIT_TYPE),)))
        return out

    def _wanted(self, batch: Batch, row: int, set_id: str) -> Letter | None:
        heads = batch.headers[row]
        if batch.header(row, "reason") != Reason.UNKNOWN_ASSET.encode():
            return None
        if batch.header(row, REQUEUED_SET) == set_id.encode():
            return None
        letter = letter_of(batch.source, int(batch.offsets[row]), int(batch.times[row]), batch.value(row), heads)
        return letter if letter is not None and not letter.cut and self.claims(set_id, letter) else None
