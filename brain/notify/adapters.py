"""The adapters there are, ours and those of installed packages, and how the targets of a file get theirs."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from brain.notify import line, mail, webhook
from brain.notify.config import Config, NotifyError, near
from brain.notify.port import Maker, Notifier

GROUP: Final = "city_brain.notify"
"""Packages name their adapters under this group of entry points: ``name = "package.module:make"``."""
OURS: Final[dict[str, Maker]] = {"webhook": webhook.make, "mail": mail.make, "log": line.make}


def notifiers(config: Config, place: str, found: Iterable[EntryPoint] | None = None) -> dict[str, Notifier]:
    """An adapter for each target, by name. ``found``: entry points, those installed when left out.

    Raises
    ------
    NotifyError
        No such adapter, or it refuses its settings; says where.
    """
    theirs = {entry.name: entry for entry in (entry_points(group=GROUP) if found is None else found)}
    known = sorted({*OURS, *theirs})
    out: dict[str, Notifier] = {}
    for name, target in config.targets.items():
        where = f"{place}: targets.{name}"
        if target.adapter not in known:
            hint = near(target.adapter, known)
            raise NotifyError(f"{where}.adapter: expected one of {', '.join(known)}, got {target.adapter!r}{hint}")
        try:
            make = OURS.get(target.adapter) or theirs[target.adapter].load()
            out[name] = make(target.settings, config.folder)
        except (ImportError, AttributeError) as error:
            raise NotifyError(f"{where}.adapter: {target.adapter!r} cannot be loaded: {error}") from error
        except (ValueError, OSError) as error:
            raise NotifyError(f"{where}.settings: {error}") from error
    return out
