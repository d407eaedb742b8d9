"""The broker's jars: a fixed list with sizes and hashes, fetched once by jgo from Maven Central and kept in the cache.

A version that is not in the list is resolved by jgo too, but then nothing but Maven's own checksum speaks for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KAFKA_VERSION = "4.1.1"
_LOCK = Path(__file__).with_name("jars.json")
_TRIES = 3


class JarsUnavailable(Exception):
    """The jars are not in the cache and could not be downloaded, or what came is not what the list says."""


@dataclass(frozen=True)
class Progress:
    """How far a long step is. ``done`` and ``total`` are bytes for stage "jars", else steps."""

    stage: str
    what: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]


def cache_dir() -> Path:
    """Directory of this user's cache; follows XDG_CACHE_HOME."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "city-brain"


def jars(version: str = KAFKA_VERSION, on_progress: OnProgress | None = None) -> list[Path]:
    """Paths of every jar that a broker of ``version`` needs, downloading what is missing.

    Jars of the fixed list are checked against their SHA-256 each time (0.1 s), so a cut download heals itself.

    Raises
    ------
    JarsUnavailable
        No network and not in the cache, or a hash differs. The text says what to do.
    """
    locked: dict[str, Any] = json.loads(_LOCK.read_text("utf-8"))
    home = cache_dir() / "maven"
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(home / "lock"):
        if version != locked["kafka"]:
            return _resolved(version, home, on_progress)
        wanted = [(j["jar"], j["size"], j["sha256"]) for j in locked["jars"]]
        return _fetched(wanted, home, on_progress)


def lock(version: str) -> dict[str, Any]:
    """The content of jars.json for another version, from a fresh resolution: `python -m streams.jars 4.x.y`."""
    home = cache_dir() / "maven"
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(home / "lock"):
        coordinates = _coordinates(version, home)
        paths = _fetched([(c, 0, "") for c in coordinates], home, None)
    rows = [{"jar": c, "size": p.stat().st_size, "sha256": _sha256(p)} for c, p in zip(coordinates, paths, strict=True)]
    return {"kafka": version, "jars": rows}


def _fetched(wanted: list[tuple[str, int, str]], home: Path, on_progress: OnProgress | None) -> list[Path]:
    total, done, paths = sum(size for _, size, _ in wanted), 0, []
    context: Any = None
    for coordinate, size, digest in wanted:
        path = home.joinpath(*_parts(coordinate))
        if not path.exists() or (digest and _sha256(path) != digest):
            path.unlink(missing_ok=True)
            context = context or _context(home)
            if on_progress:
                on_progress(Progress("jars", path.name, done, total))
            _download(context, coordinate, path)
            if digest and (got := _sha256(path)) != digest:
                path.unlink()
                raise JarsUnavailable(
                    f"{path.name}: expected sha256 {digest}, got {got}. The file came damaged or changed; it was "
                    "deleted. Try again; if it stays so, look at the proxy or mirror that answers for Maven Central."
                )
        done += size
        if on_progress and context is not None:
            on_progress(Progress("jars", path.name, done, total))
        paths.append(path)
    return paths


def _download(context: Any, coordinate: str, path: Path) -> None:
    import requests

    for attempt in range(_TRIES):
        try:
            context.create_dependency(coordinate).artifact.resolve()
            return
        except (requests.RequestException, RuntimeError, OSError) as error:
            path.unlink(missing_ok=True)
            if attempt == _TRIES - 1:
                raise JarsUnavailable(
                    f"{path.name} could not be downloaded from Maven Central ({type(error).__name__}: {error}). "
                    "Check the network or proxy (HTTPS_PROXY), or name a broker that is already there: "
                    "BRAIN_BOOTSTRAP=host:port, for tests BRAIN_KAFKA=host:port."
                ) from error
            time.sleep(1.0 + attempt)
        except BaseException:
            path.unlink(missing_ok=True)  # interrupted in the middle: a cut file must not look like a whole one
            raise


def _resolved(version: str, home: Path, on_progress: OnProgress | None) -> list[Path]:
    return _fetched([(c, 0, "") for c in _coordinates(version, home)], home, on_progress)


def _coordinates(version: str, home: Path) -> list[str]:
    import requests

    if not re.fullmatch(r"[4-9]\.\d+\.\d+", version):
        raise JarsUnavailable(f"kafka version: expected 4.x.y (KRaft only), got {version!r}")
    context = _context(home)
    kafka = context.create_dependency(f"org.apache.kafka:kafka_2.13:jar:{version}")
    try:
        given, more = context.resolver.resolve([kafka])
    except (requests.RequestException, RuntimeError, ValueError, OSError) as error:
        raise JarsUnavailable(f"kafka {version} cannot be resolved ({error}). Known good: {KAFKA_VERSION}.") from error
    found = [d.artifact for d in (*given, *more) if d.scope in {None, "compile", "runtime"}]
    coordinates = [f"{a.groupId}:{a.artifactId}:jar:{a.version}" for a in found]
    log4j = next(a.version for a in found if a.artifactId == "log4j-core")
    # Kafka leaves the binding of slf4j to the distribution. Not resolved together with Kafka: log4j's own managed
    # versions would then win over Kafka's and put clients 3.8 beside a 4.x server.
    return [*coordinates, f"org.apache.logging.log4j:log4j-slf4j-impl:jar:{log4j}"]


def _context(home: Path) -> Any:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver

    # A mirror named in the user's jgo settings goes first.
    remote = {**(GlobalSettings.load().repositories or {}), "central": MAVEN_CENTRAL_URL}
    return MavenContext(resolver=PythonResolver(), repo_cache=home, remote_repos=remote, timeout=30)


def _parts(coordinate: str) -> tuple[str, ...]:
    group, artifact, _, version = coordinate.split(":")
    return (*group.split("."), artifact, version, f"{artifact}-{version}.jar")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    import sys

    _LOCK.write_text(json.dumps(lock(sys.argv[1] if len(sys.argv) > 1 else KAFKA_VERSION), indent=1) + "\n", "utf-8")
