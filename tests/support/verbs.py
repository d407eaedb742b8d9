"""Every verb with its options, as the parser of command lines knows it."""

from __future__ import annotations

from typing import Any

import typer

from brain.cli import VERBS, app, verb


def every_verb() -> Any:
    """The group of ``brain`` with all its files imported."""
    group = typer.main.get_group(app)
    group.commands = {name: verb(name) for name in VERBS}
    return group
