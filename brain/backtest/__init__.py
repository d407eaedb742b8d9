"""Backtest 回测: what another version of scenarios, map or registry would have done to a recorded time.

:func:`run` works a log in memory by one version; :func:`backtest` two, and judges the second by the first.
"""

from brain.backtest.engine import Run, Version, run
from brain.backtest.judge import backtest
from brain.backtest.report import Report, decode, encode

__all__ = ["Report", "Run", "Version", "backtest", "decode", "encode", "run"]
