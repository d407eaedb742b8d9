"""`python -m brain.drill.simulate SEED [COUNT]`: run seeds here, say what was wrong; `--trace` tells every event."""

from __future__ import annotations

import argparse
import sys

from brain.drill.simulate.run import simulate


def main() -> int:
    """0 when everything held."""
    parser = argparse.ArgumentParser(
        prog="python -m brain.drill.simulate", description="Run seeds of the fault simulator on incidents."
    )
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int, nargs="?", default=1)
    parser.add_argument("--trace", action="store_true")
    chosen = parser.parse_args()
    bad = 0
    for seed in range(chosen.seed, chosen.seed + chosen.count):
        outcome = simulate(seed, _tell if chosen.trace else None)
        if outcome.failed:
            bad += 1
            _tell(str(outcome))
    _tell(f"{chosen.count} seeds, {bad} failed")
    return 1 if bad else 0


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
