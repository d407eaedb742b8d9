"""Try something in a child process that may die or hang, and say whether it came through."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

TIMEOUT_S = 10.0
CAME_THROUGH = 42
"""No code that leaves by itself says this one."""


def in_child(run: Callable[[], object], timeout_s: float = TIMEOUT_S) -> bool:
    """Run in a forked child; True when it ended by itself and did not die. An exception there counts as coming through.

    Only for pure computation: the child shares the parent's sockets and must not touch them, and does not.
    """
    pid = os.fork()
    if pid == 0:
        try:
            run()
        except Exception:  # noqa: BLE001  # the parent runs it again and sees it
            os._exit(CAME_THROUGH)
        os._exit(CAME_THROUGH)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.WIFEXITED(status) and os.WEXITSTATUS(status) == CAME_THROUGH
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False
