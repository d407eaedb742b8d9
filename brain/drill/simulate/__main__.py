"""`python -m brain.drill.simulate SEED [COUNT]`: run seeds here, say what was wrong; `--trace` tells every event."""

from __future__ import annotations

import sys

from brain.drill.simulate.run import MODULE, simulate
from streams.simulate.run import command

if __name__ == "__main__":
    sys.exit(command(simulate, MODULE, "Run seeds of the fault simulator on incidents."))
