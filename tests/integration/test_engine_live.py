"""The engine on a real Kafka: killed workers, bad bytes; what was committed is held against an oracle."""

from pathlib import Path

import pytest

from bench.badinput import bad_input
from bench.chaos import Plan, chaos
from streams.broker import BrokerSettings
from streams.jars import JarsUnavailable


@pytest.mark.long
def test_killed_workers_lose_nothing_and_double_nothing(broker_home: BrokerSettings, tmp_path: Path) -> None:
    plan = Plan(rate=3_000, kills=2, aimed=1, storm=0, broker_stop_s=0, broker_freeze_s=0, calm_s=4)
    try:
        result = chaos(broker_home, tmp_path, 5, plan)
    except JarsUnavailable as reason:
        pytest.skip(f"no broker: {reason}")
    figures = result.figures
    assert figures["signals"] > 200
    assert [figures[name] for name in ("lost", "double", "wrong", "torn")] == [0, 0, 0, 0], result.rows
    assert result.ok, result.rows


@pytest.mark.long
def test_a_broker_that_freezes_or_goes_away_and_a_storm_of_joins_lose_nothing(
    broker_home: BrokerSettings, tmp_path: Path
) -> None:
    plan = Plan(rate=3_000, kills=1, aimed=1, storm=4, broker_stop_s=15, broker_freeze_s=12, calm_s=5)
    result = chaos(broker_home, tmp_path, 6, plan)
    assert [result.figures[name] for name in ("lost", "double", "wrong", "torn")] == [0, 0, 0, 0], result.rows
    assert result.ok, result.rows


def test_every_bad_payload_ends_with_its_reason_and_takes_no_neighbour_along(kafka: str, tmp_path: Path) -> None:
    result = bad_input(kafka, tmp_path, seed=3, per_reason=20)
    figures = result.figures
    assert figures["good_processed"] == figures["good_sent"]
    assert figures["bad_deadlettered"] == figures["bad_sent"]
    assert (figures["reason_wrong"], figures["crashes"]) == (0, 0), result.rows
