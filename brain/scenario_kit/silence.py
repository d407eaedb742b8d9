"""Whether the assets that a scenario matches have spoken of late, by a bundle of what was recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from brain.incidents.value import Text
from brain.scenario import Scenario
from brain.scenario_kit.findings import Found, Ground
from streams import bundle

TOPICS = ("iot.telemetry", "video.metadata")


class _Spoke(msgspec.Struct):
    asset: str = ""
    sensorId: str = ""  # noqa: N815  # DeepStream's name


def speakers(path: Path) -> set[str]:
    """Assets of which a bundle has a record that can be read. Raises BundleError, or OSError."""
    decoder, found = msgspec.json.Decoder(_Spoke), set[str]()
    for line in bundle.read(path):
        value = line.value_bytes() if line.tp.topic.endswith(TOPICS) else None
        if value is None:
            continue
        try:
            one = decoder.decode(value)
        except msgspec.DecodeError:  # the pipeline buries it; it is nobody's word
            continue
        found.add(one.asset or one.sensorId)
    return found - {""}


def unheard(s: Scenario, ground: Ground, heard: Collection[str]) -> Iterator[Found]:
    """That none of the assets that a scenario matches was heard."""
    registry = ground.registry
    if s.source in ("hotline", "signals"):
        return
    if s.detect.watch is not None:
        mine = ground.assets(s)
    else:
        mine = [a for m in s.match.metrics or s.metrics() for a in registry.series_asset[ground.series(s, m)].tolist()]
    if mine and not any(registry.ids[a] in heard for a in mine):
        zh, en = f"{len(set(mine))} 个资产无一发送", f"none of {len(set(mine))} assets spoke"
        yield Found("assets_silent", "match", Text(zh, en))
