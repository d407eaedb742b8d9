"""`python -m streams.simulate SEED [COUNT]`: run seeds here, say what was wrong; `--trace` tells every event."""

from __future__ import annotations

import sys

from streams.simulate.run import command, simulate

if __name__ == "__main__":
    sys.exit(command(simulate, "streams.simulate", "Run seeds of the fault simulator."))
