"""`python -m brain.drill.simulate.real SEED [COUNT]`: run seeds here, say what was wrong; `--trace` tells all."""

from __future__ import annotations

import sys

from brain.drill.simulate.real.run import MODULE, simulate
from streams.simulate.run import command

if __name__ == "__main__":
    sys.exit(command(simulate, MODULE, "Run seeds of the fault simulator on real lanes and the real city."))
