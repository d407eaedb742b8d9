"""Under the real city task, on the log in memory: kills and small fetches change no incident."""

from __future__ import annotations

import random
from types import SimpleNamespace

import msgspec

from brain.incidents.city import CityLogic
from brain.incidents.fold import FoldSettings
from brain.incidents.value import Incident
from streams.city import City, CitySettings
from streams.log import Indefinite
from streams.memory import MemoryBroker, MemoryTaskLog, drive
from streams.records import CE_TYPE, SEAL_TYPE, SIGNAL_TYPE, TP, Seal, Signal

LANES = [TP("signals.iot.telemetry", p) for p in range(3)]
STATE, JOURNAL = TP("state.city", 0), TP("journal", 0)
SET = SimpleNamespace(routes=None, scenarios=[])
START = 1_718_000_000_000


def city_of(seed: int) -> MemoryBroker:
    """Three lanes of raises and clears, a seal a second."""
    draw, broker = random.Random(seed), MemoryBroker()
    for lane, tp in enumerate(LANES):
        standing: dict[int, Signal] = {}
        offset = 0
        for second in range(90):
            now = START + second * 1000
            for _ in range(draw.choice((0, 0, 0, 1, 2))):
                offset += 1
                asset = draw.randrange(5)
                last = standing.pop(asset, None)
                if last is not None:
                    signal = msgspec.structs.replace(last, kind="clear", n=1, offset=offset, t=now, fold=now)
                else:
                    origin = ("iot.telemetry", lane, offset, 0)
                    signal = Signal(
                        "eco.air.high", f"a{lane}-{asset}", "raise", origin, 0, offset, 0, now, now, now,
                        grid=f"g{asset % 4}", source="iot",
                    )  # fmt: skip
                    standing[asset] = signal
                broker.produce(tp, None, msgspec.json.encode(signal), ((CE_TYPE, SIGNAL_TYPE),))
            seal = Seal(second, 0, "", "", pulse=now + 1000, seq=second, position=offset)
            broker.produce(tp, None, msgspec.json.encode(seal), ((CE_TYPE, SEAL_TYPE),))
    return broker


def run(broker: MemoryBroker, limit: int, kill_every: int = 0) -> dict[bytes, bytes]:
    """Fold everything there is; with ``kill_every`` the task loses its memory again and again."""
    log = MemoryTaskLog(broker, "city", STATE, limit=limit)

    def make() -> CityLogic:
        return CityLogic(FoldSettings(quiet_s=2, reopen_s=1, window_s=10, age_s=15))

    city = City(log, LANES, JOURNAL, make, {"s": SET}.__getitem__, CitySettings("s", flush_s=0.0))
    left = [kill_every]
    if kill_every:
        take = city.take

        def taken(batch: object) -> None:
            left[0] -= 1
            if left[0] == 0:
                left[0] = kill_every + 1
                raise Indefinite("killed")
            take(batch)  # type: ignore[arg-type]

        city.take = taken  # type: ignore[method-assign,assignment]
    idle = [0]

    def waited(seconds: float) -> None:
        broker.clock += seconds
        idle[0] += 1
        city.stop = idle[0] > 3

    drive(city.run(), waited)
    topic = {}
    for _, key, value, _ in broker.read(TP("incidents.eco", 0)):
        topic[key or b""] = value or b""
    return topic


def test_kills_and_small_fetches_of_the_city_task_change_no_incident() -> None:
    for seed in range(5):
        expected = run(city_of(seed), 4096)
        assert len(expected) > 5
        assert any(msgspec.json.decode(v, type=Incident).state == "closed" for v in expected.values())
        assert run(city_of(seed), 3) == expected
        assert run(city_of(seed), 5, kill_every=7) == expected
