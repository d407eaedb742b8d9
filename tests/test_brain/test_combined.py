"""Several detectors as one probability: the combiner's own, however the log is cut, and refused with the place."""

from __future__ import annotations

import numpy as np
import pytest
from lane_rig import T0, Rig, city, flood, reading

from brain.lane import ReadingsLane
from brain.scenarios import ScenarioError, read
from models.combine import Combiner
from models.cusum import LevelShift
from models.robust import RobustEwma

MEMBERS = "[{detector: robust, weight: 2.0}, {detector: level_shift, weight: 1.5, settings: {warmup: 10}}]"
SETTINGS = f"{{bias: -5, warmup: 20, memory: 200, members: {MEMBERS}}}"
BOTH = flood("both", f"detect: {{detector: combined, score_over: 0.5, settings: {SETTINGS}}}")


def values() -> list[float]:
    draw = np.random.default_rng(6)
    found = np.round(draw.normal(5, 1, 260), 2)
    found[200:] += 9
    return [float(v) for v in found]


def test_a_scenario_decides_on_the_combiners_own_probability_however_the_log_is_cut() -> None:
    rig = Rig(ReadingsLane, city(BOTH))
    for k, v in enumerate(values()):
        for asset in ("wl-1", "wl-2"):
            rig.say(reading(asset, k, v if asset == "wl-1" else 5.0 + k % 3))
    whole, state = rig.run(), [t.rows[: t.n].tobytes() for t in rig.store.tables.values()]
    t, slot, value = T0 + np.arange(260) * 1000, np.zeros(260, np.int32), np.array(values())
    scores = [m.score(np.zeros(1, m.state), slot, t, value) for m in (RobustEwma(), LevelShift(warmup=10))]
    model = Combiner((2.0, 1.5), bias=-5, warmup=20, memory=200)
    want = model.score(np.zeros(1, model.state), slot, t, np.column_stack(scores))
    mine = [s for s in whole.signals if s.asset == "wl-1"]
    raised = next(k for k in range(260) if want[k] >= 0.5)
    assert (mine[0].kind, mine[0].offset, mine[0].threshold) == ("raise", 2 * raised, 0.5)
    assert want[200] > 0.5
    assert all(s.score == want[s.offset // 2] for s in mine)
    rig.begin()
    parts = rig.run([1, 2, 77, 300, 401, 402])
    assert parts.signals == whole.signals
    assert state == [t.rows[: t.n].tobytes() for t in rig.store.tables.values()]


def test_rows_of_all_members_are_marked_for_a_restart() -> None:
    rig = Rig(ReadingsLane, city(BOTH))
    rig.store.flush(1)
    before = {name: t.rows[: t.n].copy() for name, t in rig.store.tables.items()}
    for k, v in enumerate(values()[:60]):
        rig.say(reading("wl-1", k, v))
    rig.run()
    for name, table in rig.store.tables.items():
        changed = table.rows[: table.n] != before[name]
        assert (table.dirty[: table.n][changed] == 1).all()
        if name in {"model.robust", "model.level_shift", "model.combined"}:
            assert changed.any()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("detector: robust", "detector: robst", r"members\[0\].detector: unknown 'robst' \(did you mean 'robust'"),
        ("warmup: 10", "warm: 10", r"members\[1\].settings.warm: .*\(did you mean 'warmup'"),
        ("weight: 1.5", "wight: 1.5", r"members\[1\]: expected detector and weight"),
        ("weight: 1.5", "weight: -1", r"detect.settings.weights\[1\]: expected a number"),
        ("weight: 1.5", "weight: much", r"members\[1\].weight: expected a number, got 'much'"),
        ("bias: -5", "bies: -5", r"detect.settings.bies: .*\(did you mean 'bias'"),
        ("score_over: 0.5", "score_over: 5", "of combined a probability"),
        (MEMBERS, "[]", "members: expected a list of 2 to 6"),
        ("detector: combined", "detector: combind", "did you mean 'combined'"),
    ],
)
def test_members_that_cannot_work_are_refused_with_their_place(old: str, new: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        read(BOTH.replace(old, new))
