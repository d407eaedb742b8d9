"""The list of verbs, and what a verb has to import before it runs."""

from __future__ import annotations

import subprocess
import sys

from typer.testing import CliRunner
from verbs import every_verb

from brain.cli import VERBS, app

HEAVY = {"aiohttp", "aiokafka", "faust", "kafka", "litestar", "numba", "scipy", "shapely", "sklearn"}


LIGHT = ("agent", "audit", "deadletter", "doctor", "feedback", "kafka", "notify", "recover", "rules", "screen", "set",
         "tail", "top", "topics")  # fmt: skip


def imported(code: str) -> set[str]:
    """Packages that are there when this has run in a process of its own."""
    code += '\nimport sys\nprint(*{name.partition(".")[0] for name in sys.modules})'
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.splitlines()[-1].split())


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
    shown = 'from typer.testing import CliRunner\nfrom brain.cli import app\nCliRunner().invoke(app, ["--help"])'
    assert imported(shown) & HEAVY == set()


def test_verbs_that_only_ask_or_begin_wait_for_no_kernels_and_no_client() -> None:
    assert imported(f"from brain.cli import verb\nfor name in {LIGHT}: verb(name)") & HEAVY == set()
