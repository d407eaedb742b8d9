"""Hot issues and speed: the messages stream through the pipeline that production runs, in the order of their time.

An issue is found when its topic is among the first 20 at the moment at which half of its messages are in, judged then
and not before or after. Its topic is the one that holds most of its messages so far; precision is the share of a
topic's messages that are the issue's, the lower of then and at the end.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.harness import Figure
from bench.hotline.data import Issue, Messages
from brain.hotline import HotlineText, shipped_text
from brain.ticket_texts import TABLES, TicketTexts, callers_of
from models.text.classify import Classifier
from streams.decode.mask import mask
from streams.state import Store

FIRST = 20
LEAST_PRECISION = 0.7
BATCH = 256
WINDOWS = np.array([86_400_000], np.int64)
"""Milliseconds in which callers of one text are counted, as a scenario on mass sending has it."""


@dataclass(frozen=True)
class Found:
    """What became of one issue."""

    issue: str
    messages: int
    rank: int | None
    of: int
    precision_then: float
    precision_end: float
    recall_end: float

    @property
    def found(self) -> bool:
        """Whether it was early, high and pure enough."""
        return self.rank is not None and self.rank <= FIRST and self.precision >= LEAST_PRECISION

    @property
    def precision(self) -> float:
        """The lower of the two."""
        return min(self.precision_then, self.precision_end)

    def row(self) -> dict[str, Figure]:
        """Its line of the table."""
        return {
            "what": f"hot issue {self.issue}", "n": self.messages, "rank at half": self.rank or f"over {self.of}",
            "precision then": round(self.precision_then, 3), "at the end": round(self.precision_end, 3),
            "recall": round(self.recall_end, 3), "found": "yes" if self.found else "no",
        }  # fmt: skip


def stream(data: Messages, truth: list[Issue], model: Classifier) -> tuple[list[Found], float]:
    """What became of each issue, and messages a second of one core's CPU: mask, classify, place, copies, topics."""
    halves: dict[int, list[Issue]] = {}
    for issue in truth:
        mine = [i for i, number in enumerate(data.ids) if number in issue.ids]
        halves.setdefault(mine[(len(mine) + 1) // 2 - 1], []).append(issue)
    shipped = shipped_text()
    reader, texts_so_far = HotlineText(shipped.place, shipped.lexicon, model), TicketTexts(Store(TABLES, "bench@1"))
    reader.read(["a b"], ["c"])
    texts_so_far.warm()
    cuts = sorted({*range(0, len(data.ids), BATCH), *(i + 1 for i in halves), len(data.ids)})
    topic: list[int] = []
    then: dict[str, tuple[int | None, int, float]] = {}
    spent = 0.0
    for a, b in pairwise(cuts):
        began = time.process_time()
        titles, texts = [mask(x) for x in data.titles[a:b]], [mask(x) for x in data.texts[a:b]]
        t, callers = data.t[a:b], callers_of(data.callers[a:b])
        places = [where.place for where in reader.read(titles, texts).where]
        texts_so_far.copies(t, callers, texts, WINDOWS)
        topic += texts_so_far.sort(texts_so_far.heads(titles, texts, places), 0, b - a, t, callers).id.tolist()
        spent += time.process_time() - began
        for issue in halves.get(b - 1, ()):
            id_, precision, _ = _best(topic, data, issue)
            order = [one.id for one in texts_so_far.rank(int(data.t[b - 1]))]
            then[issue.issue] = (order.index(id_) + 1 if id_ in order else None, len(order), precision)
    out = []
    for issue in truth:
        rank, of, before = then[issue.issue]
        _, after, recall = _best(topic, data, issue)
        out.append(Found(issue.issue, len(issue.ids), rank, of, before, after, recall))
    return out, len(data.ids) / spent


def _best(topic: list[int], data: Messages, issue: Issue) -> tuple[int, float, float]:
    """The topic that holds most of an issue, how pure it is, and how much of the issue so far it holds."""
    mine = [number in issue.ids for number in data.ids[: len(topic)]]
    held = Counter(t for t, own in zip(topic, mine, strict=True) if own)
    id_, most = held.most_common(1)[0]
    return id_, most / topic.count(id_), most / sum(mine)
