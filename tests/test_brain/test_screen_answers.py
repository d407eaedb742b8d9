"""Large answers are packed for whom takes it, and small ones for nobody."""

from __future__ import annotations

from typing import Any

from access_rig import Rig

from bench.screen.city import City


def test_a_large_board_is_packed_for_whom_takes_it_and_says_the_same() -> None:
    rig = Rig()
    rig.board.take(City(1).open(2000))
    with rig.client() as c:

        def got(path: str, accepted: str) -> Any:
            return c.get(f"/api/v1/{path}", headers={**rig.bearer(), "Accept-Encoding": accepted})

        plain, packed, refused = (got("board", how) for how in ("identity", "br, gzip;q=0.5", "gzip;q=0"))
        assert packed.json() == plain.json() == refused.json()
        assert "content-encoding" not in {**plain.headers, **refused.headers}
        assert packed.headers["content-encoding"] == "gzip"
        assert {a.headers["vary"] for a in (plain, packed, refused)} == {"Accept-Encoding"}
        assert int(packed.headers["content-length"]) < len(plain.content) // 4
        assert "content-encoding" not in got("incidents?limit=50", "gzip").headers
