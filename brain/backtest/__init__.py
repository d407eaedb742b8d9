"""Backtest 回测: what another version of scenarios, map or registry would have done to a recorded time.

:func:`run` is the engine; the rest judges and compares what it gives.
"""

from brain.backtest.engine import Run, Version, run

__all__ = ["Run", "Version", "run"]
