"""`python -m bench NAME [--seed N] [--data PATH]`: settings, table, and as the last line the figures as JSON."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench import harness
from bench.harness import Figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one benchmark. 0: ran and holds; 1: a contradiction; 2: wrong arguments. Without a name, lists them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run one benchmark, or list them.")
    parser.add_argument("name", nargs="?", help="one of the permanent names")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other input (default 1)")
    parser.add_argument("--data", type=Path, help="input instead of the bench's own; format in its docstring")
    chosen = parser.parse_args(arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    if chosen.name is None:
        _list(console)
        return 0
    try:
        bench = harness.load(chosen.name)
    except harness.UnknownBench as error:
        console.print(str(error), markup=False)
        return 2
    if chosen.data is not None and not chosen.data.exists():
        console.print(f"--data {chosen.data}: there is no such file or folder", markup=False)
        return 2
    console.print(f"bench    {chosen.name}, seed {chosen.seed}, data {chosen.data or 'its own'}", markup=False)
    console.print(f"machine  {harness.machine()}", markup=False)
    began = time.monotonic()
    result = bench.run(chosen.seed, chosen.data)
    for key, value in result.settings.items():
        console.print(f"setting  {key} = {value}", markup=False, soft_wrap=True)
    if result.rows:
        console.print(table(result.rows))
    console.print(f"{'holds' if result.ok else 'DOES NOT HOLD'}, in {time.monotonic() - began:.0f} s", markup=False)
    sys.stdout.flush()
    # Written as plain text: the console would wrap a long line, and this one is read by programs.
    sys.stdout.write(last_line(chosen.name, result.figures) + "\n")
    sys.stdout.flush()
    return 0 if result.ok else 1


def last_line(name: str, figures: Mapping[str, Figure]) -> str:
    """`{"bench": name, "figures": {...}}` on one line; NaN and infinity, which JSON lacks, become null."""
    clean = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in figures.items()}
    return msgspec.json.encode({"bench": name, "figures": clean}).decode()


def table(rows: Sequence[Mapping[str, Figure]]) -> Table:
    """The rows as a table; columns in order of first appearance, numbers to the right."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    shown = Table()
    for column in columns:
        numbers = all(isinstance(row.get(column), int | float | None) for row in rows)
        shown.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(_cell(row.get(column)) for column in columns))
    return shown


def _cell(value: Figure) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return value


def _list(console: Console) -> None:
    there = harness.present()
    for name in dict.fromkeys([*harness.NAMES, *there]):
        note = "" if name in there else " (not there yet)"
        console.print(f"{name:10} {harness.NAMES.get(name, '')}{note}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
