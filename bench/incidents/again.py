"""One small crowded storm, folded twice: with flushes and restarts in other places it must give the same bytes."""

from __future__ import annotations

from bench.incidents.content import content
from bench.incidents.stand import Kept, city, logic, step
from bench.incidents.workload import Lanes, Workload
from streams.records import TP, Batch, Signal
from streams.state import HEAD

SIGNALS, PIECE, STEP_MS = 6_000, 60, 300


async def the_same(seed: int) -> bool:
    """Whether it does. Of the state the head is left out: it counts flushes."""
    made, spoken = content()
    few = spoken[:80]
    workload, lanes = Workload(seed, True, few, 300), Lanes()
    pieces: list[list[Batch]] = []
    for _ in range(SIGNALS // PIECE):
        some: list[Signal] = []
        for _ in range(PIECE):
            workload.now += STEP_MS
            some.append(workload.next())
        pieces.append(lanes.batches(some))
    once, often = Kept(all=True), Kept(all=True)
    task = await city(once, lanes.tps, made)
    for piece in pieces:
        await step(task, piece, flush=False)
    await task.flush()
    again = await city(often, lanes.tps, made)
    for number, piece in enumerate(pieces):
        await step(again, piece, flush=number % 3 == 0)
        if number % 9 == 4:  # what was not flushed is lost, and read again
            again = await city(often, lanes.tps, made)
            for lane in lanes.tps:
                assert again.read[lane] <= piece[0].next or lane != piece[0].source
            await step(again, _reread(pieces[: number + 1], again.read), flush=False)
    await again.flush()
    opened = len(logic(task)) > 0
    for log in (once, often):
        log.table.pop(HEAD)
    return opened and once.table == often.table and once.records == often.records and once.audit == often.audit


def _reread(pieces: list[list[Batch]], read: dict[TP, int]) -> list[Batch]:
    """Batches from the positions that the state names."""
    out = []
    for piece in pieces:
        for batch in piece:
            start = read[batch.source] - batch.first
            if start < len(batch):
                out.append(batch if start <= 0 else batch.cut(start, len(batch)))
    return out
