"""The agent of hazardous-goods vehicles by record, in plain Python: its compiled columns are held against it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brain.agent_kit import Rows, Verdict, World


def decide(rows: Rows, features: dict[str, NDArray[Any]], state: NDArray[Any], world: World) -> Verdict:
    """Each record after the one before it of the same vehicle."""
    p, ground, n = world.params, world.ready, len(rows)
    level = {name: np.full(n, -1, np.int8) for name in ("off_route", "stopped", "speed", "near_site")}
    stood, away = np.full(n, np.nan), np.full(n, np.nan)
    for i, a in enumerate(rows.asset.tolist()):
        s, v = state[a], features["speed"][i]
        if np.isfinite(v):
            fast = v > p["limit_kmh"] or (bool(s["fast"]) and v > p["limit_kmh"] - 3)
            s["fast"] = fast
            level["speed"][i] = 0 if not fast else 3 if v > p["limit_kmh"] + p["over_kmh"] else 2
        if not np.isfinite(features["x"][i]):
            continue
        off = features["off"][i]
        if np.isfinite(off):
            s["off"] = off > (p["off_m"] - p["buffer_m"] if s["off"] else p["off_m"])
            level["off_route"][i] = 2 if s["off"] else 0
        level["stopped"][i], stood[i] = _stop(s, int(rows.t[i]), v, int(features["zone"][i]), p)
        level["near_site"][i], away[i] = _approach(s, i, features, rows.t, p)
        s["x"], s["y"], s["t"] = features["x"][i], features["y"][i], rows.t[i]
    zone = np.array([ground.zone_codes[k] if k >= 0 else "" for k in features["zone"]], "U200")
    site = np.array([ground.site_codes[k] if k >= 0 else "" for k in features["site"]], "U200")
    kind = np.array([ground.site_kinds[k] if k >= 0 else "" for k in features["site"]], "U200")
    facts = {
        "off_m": np.round(features["off"]), "speed_kmh": features["speed"], "zone": zone, "stopped_s": stood,
        "site": site, "site_kind": kind, "site_m": np.round(features["far"]), "seconds_away": np.round(away),
    }  # fmt: skip
    value = {"off_route": features["off"], "stopped": stood, "speed": features["speed"], "near_site": features["far"]}
    return Verdict(level, value, facts=facts)


def _stop(s: Any, t: int, v: float, zone: int, p: Any) -> tuple[int, float]:
    """Standing in a no-stop zone: the level, and for how many seconds."""
    if zone < 0 or (np.isfinite(v) and v > p["still_kmh"]):
        s["still"], s["zone"], s["stopped"] = 0, 0, 0
        return 0, np.nan
    if not np.isfinite(v):
        return -1, np.nan
    if not s["still"]:
        s["still"], s["zone"] = t, zone + 1
    seconds = (t - int(s["still"])) / 1000
    s["stopped"] = seconds >= p["stop_s"]
    return (3 if s["stopped"] else 0), seconds


def _approach(s: Any, i: int, f: dict[str, NDArray[Any]], t: NDArray[np.int64], p: Any) -> tuple[int, float]:
    """The moving fence: a site within it, or ahead and reached within ``ahead_s`` at the speed of approach."""
    far, x, y = f["far"][i], f["x"][i], f["y"][i]
    if not np.isfinite(far):
        return 0, np.nan
    seconds = (int(t[i]) - int(s["t"])) / 1000
    v = f["speed"][i]
    moved = np.hypot(x - s["x"], y - s["y"]) if s["t"] and 0 < seconds <= 600 else 0.0
    pace = min(moved / seconds, 45.0) if moved else 0.0
    pace = pace if not np.isfinite(v) else min(pace, v / 3.6) if moved else 0.0
    reach = p["fence_m"] + pace * p["ahead_s"]
    if s["near"]:
        reach += p["buffer_m"]
    s["near"] = far <= reach
    away = max(far - p["fence_m"], 0.0) / pace if pace > 0.1 else np.nan
    return (0 if not s["near"] else 3 if far <= p["fence_m"] else 2), away
