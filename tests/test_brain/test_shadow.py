"""Scenarios in shadow and on trial: what people are told is the same, byte for byte, as without them."""

from __future__ import annotations

import dataclasses

import msgspec
import shadow_rig as rig
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.sets import CitySet
from streams.records import CE_TYPE, SHADOW_TYPE, SIGNAL_TYPE, TP

T0 = rig.T0
ROW = st.one_of(
    st.builds(rig.reading, st.integers(0, 3), st.sampled_from([1.0, 5.0, 9.0, 12.0, 21.0, 30.0]),
              st.integers(0, 200).map(lambda s: T0 + s * 700)),
    st.builds(rig.ticket, st.integers(0, 60), st.sampled_from(["楼上着火", "噪音太大", "路灯坏了", "浓烟和噪音"]),
              st.integers(0, 140).map(lambda s: T0 + s * 1000)),
    st.builds(rig.people, st.integers(0, 3), st.integers(0, 140).map(lambda s: T0 + s * 1000)),
)  # fmt: skip


def shadowed(content: CitySet) -> CitySet:
    """Beside every scenario one in shadow and one on trial where nobody is; one sorts before it, one after."""
    after = [rig.in_state(s, "shadow", suffix="_alt") for s in content.scenarios]
    before = [msgspec.structs.replace(rig.in_state(s, "trial", "nowhere"), id="a" + s.id) for s in content.scenarios]
    return dataclasses.replace(content, drafts=[*before, *after])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(ROW, max_size=80))
def test_what_people_are_told_does_not_depend_on_what_runs_in_shadow(rows: list[rig.Row]) -> None:
    content = rig.city(*rig.EVERY)
    lines, more = rig.log(rows, 150), shadowed(content)
    plain = rig.run(lines, {"set-1": content})
    both = rig.run(lines, {"set-1": more})
    assert rig.told(both, [s.id for s in more.drafts]) == rig.told(plain)
    live, hidden = rig.incidents(plain, "incidents"), rig.incidents(both, "incidents-shadow")
    assert rig.assets(hidden) == rig.assets(live)
