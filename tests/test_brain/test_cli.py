"""The list of verbs, and what a verb has to import before it runs."""

from __future__ import annotations

import subprocess
import sys

from typer.testing import CliRunner
from verbs import every_verb

from brain.cli import VERBS, app

HEAVY = {"aiohttp", "aiokafka", "faust", "kafka", "litestar", "numba", "scipy", "shapely", "sklearn"}


def imported(*words: str) -> set[str]:
    """Packages that a verb's help needs, in a process of its own."""
    code = f"""
import sys
from typer.testing import CliRunner
from brain.cli import app
assert CliRunner().invoke(app, {[*words, "--help"]!r}).exit_code == 0
print(*{{name.partition(".")[0] for name in sys.modules}})
"""
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_line_of_a_verb_in_the_list_is_the_first_of_its_own_help() -> None:
    told = {name: verb.help.splitlines()[0] for name, verb in every_verb().commands.items()}
    assert told == {name: verb.line for name, verb in VERBS.items()}


def test_the_list_has_every_verb() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert [
        name for name, verb in VERBS.items() if f" {name} " not in shown.output or verb.line not in shown.output
    ] == []


def test_a_verb_that_there_is_not_is_refused_with_the_one_that_was_meant() -> None:
    refused = CliRunner().invoke(app, ["workr"], env={"COLUMNS": "200"})
    assert refused.exit_code == 2
    assert "No such command 'workr'. Did you mean 'worker'?" in refused.output


def test_the_list_of_verbs_imports_none_of_them() -> None:
    assert imported() & HEAVY == set()
