"""The processes of ``brain demo``: a worker and a screen, each in a session of its own, ended in order."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

FOLDER = Path(".brain")
HOST = "127.0.0.1"
USUAL = 8080
GRACE_S = 15.0


class Child:
    """One verb of ``brain`` as a process. Ctrl-C reaches the demo alone, which then ends it."""

    def __init__(self, name: str, words: Sequence[str], environ: Mapping[str, str]) -> None:
        self.name, self.log = name, FOLDER / f"demo-{name}.log"
        FOLDER.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "brain", name, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **environ}, start_new_session=True,
            )  # fmt: skip

    def left(self) -> int | None:
        """The exit code, once it has ended by itself."""
        return self._process.poll()

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def end(self) -> None:
        """SIGTERM, and after some seconds SIGKILL; returns when it is gone."""
        self._process.terminate()
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def watch(child: Child, stop: threading.Event, gone: Callable[[Child, int], None]) -> threading.Thread:
    """Tell of a child that ends before ``stop`` is set."""

    def look() -> None:
        while not stop.wait(0.5):
            code = child.left()
            if code is not None:
                if not stop.is_set():
                    gone(child, code)
                return

    thread = threading.Thread(target=look, name=f"watch-{child.name}", daemon=True)
    thread.start()
    return thread


def free_port(wanted: int = 0) -> int:
    """``wanted`` where nobody listens on it, else one that nobody has just now; 0 takes any."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, wanted))
        except OSError:
            return free_port()
        return int(sock.getsockname()[1])
