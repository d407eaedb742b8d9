"""Why a signal or a timer did what it did to an incident: closed lists, safe as metric labels, kept for people."""

from __future__ import annotations

import enum
from typing import Final


class Reason(enum.StrEnum):
    """What became of a signal or a timer. The first group opens, joins or ends; the second shows or withholds."""

    OPENED = "opened"
    OPENED_APART = "opened_apart"
    """One of the family is near, but its last raise is longer ago than the window."""
    OPENED_FULL = "opened_full"
    """The incident it would have joined has as many members as one may have."""
    OPENED_AGED = "opened_aged"
    """The asset's incident is older than one may grow; it is linked, and goes on by itself."""
    OPENED_BY_HAND = "opened_by_hand"
    JOINED_REPEAT = "joined_repeat"
    JOINED_NEIGHBOUR = "joined_neighbour"
    JOINED_SITE = "joined_site"
    """A never-hidden signal of the same class at the same site."""
    JOINED_SOURCE = "joined_source"
    """Near, and from a kind of source that had not spoken yet: it corroborates 印证."""
    REOPENED = "reopened"
    """A raise after all had cleared, or after the end: the incident goes on, its onset and clocks are kept."""
    UPDATED = "updated"
    UPDATED_LEVEL = "updated_level"
    CLEARED_MEMBER = "cleared_member"
    CLEARED_ALL = "cleared_all"
    """The last standing member cleared: the quiet period begins."""
    QUIET_RESOLVED = "quiet_resolved"
    QUIET_HANDLED = "quiet_handled"
    """Quiet to its end, but people have it in hand: they end it."""
    CLOSED = "closed"
    """Resolved for as long as one may be reopened."""
    CHATTERING = "chattering"
    """An asset raises again and again 抖动 (ISA-18.2): a state of the incident, until it has been steady."""
    STEADY = "steady"
    CORROBORATED = "corroborated"
    CONTRADICTED = "contradicted"
    """A source that had corroborated has cleared while another goes on."""
    DOUBTED = "doubted"
    """Trust in the asset of a standing member fell below the floor."""
    TRUSTED_AGAIN = "trusted_again"
    WARNED = "warned"
    """An official warning is in force where it is, or its colour changed."""
    WARNING_OVER = "warning_over"

    SHOWN = "shown"
    SHOWN_LIFE = "shown_life"
    SHOWN_LEVEL = "shown_level"
    SHOWN_CORROBORATED = "shown_corroborated"
    SHOWN_LASTING = "shown_lasting"
    """It was held back, and goes on."""
    SHOWN_REPLAYED = "shown_replayed"
    """It was deferred in a storm, and still stands."""
    SHOWN_BY_HAND = "shown_by_hand"
    SHOWN_OFFICIAL = "shown_official"
    """An official warning: who issued it has judged it."""
    HELD = "held"
    """One weak signal on a busy console: looked at again shortly."""
    DEFERRED_STORM = "deferred_storm"
    """The console has as many new incidents as people can take in: kept, counted, and shown later if it stands."""
    NEVER_SHOWN = "never_shown"
    """Resolved before it was shown."""
    INHIBITED = "inhibited"
    """An effect of another incident 次生, which carries it."""
    AREA_WIDE = "area_wide"
    """One of many of its family all over an area 大面积; the shown one carries it until it is sure by itself."""
    RELEASED = "released"
    """Its cause is over, or what withheld it has ended, and it stands."""
    SHELVED = "shelved"
    """Put aside by a person, with an end and a reason 搁置."""
    MAINTENANCE = "maintenance"
    """Announced work at its place 检修."""

    REPEATED_SIGNAL = "repeated_signal"
    """This raise is a member already; nothing changes."""
    UNKNOWN_MEMBER = "unknown_member"
    """An update or clear of a raise that no open incident has; nothing changes."""
    AFTER_CLEAR = "after_clear"
    """An update or clear of a member that is cleared already; nothing changes."""

    @property
    def changes(self) -> bool:
        """Whether the incident has a new revision because of it."""
        return self._value_ not in UNCHANGED


UNCHANGED: Final = frozenset(r.value for r in (Reason.REPEATED_SIGNAL, Reason.UNKNOWN_MEMBER, Reason.AFTER_CLEAR))
"""Values of those by which nothing changes."""
