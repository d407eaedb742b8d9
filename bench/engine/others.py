"""The engines beside ours: a bare loop and stock Faust always, with ``PEERS=all`` those whose means are here.

Their programs are their own: byte-equal copies of two lie in ``peers/``, the others stay in the folder that
``PEERS_DIR`` names and are built in this user's cache. All read one twin topic: our bytes without pulses.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.engine.stand import Stand
from bench.watch import measure
from bench.watch.produce import produce
from bench.watch.workload import Load, threshold_oracle, values
from streams import admin
from streams.jars import cache_dir
from streams.topics import Topic

HERE = Path(__file__).parent
BESIDE = HERE.parents[1].parent / "shared" / "peers"
BUILD_S = 900.0
"""The first build downloads a hundred MB of jars."""
OPEN = ["--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED"]
QUIX_READINGS = 300_000
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Engine:
    """How one engine is started, and over how many readings."""

    name: str
    command: list[str]
    readings: int
    environ: Mapping[str, str] = field(default_factory=dict)


class NotHere(Exception):
    """An engine's means are missing or its program could not be built; the text says what is missing."""


def always(bare: int, faust: int) -> list[Engine]:
    """The two that every run has: their programs need nothing that ours does not."""
    folder = HERE / "peers"
    return [
        Engine("bare loop, no durability", [sys.executable, str(folder / "bare.py")], bare),
        Engine("stock Faust, Table, at least once", [sys.executable, str(folder / "faust_table.py")], faust),
    ]


def asked_for(stand: Stand, readings: int, environ: Mapping[str, str] = os.environ) -> tuple[list[Engine], list[str]]:
    """What ``PEERS`` asks for and can be run here, and a line for each that cannot. Builds what is not built."""
    wish = environ.get("PEERS", "")
    if wish not in ("", "all"):
        raise ValueError(f"PEERS: expected all or nothing, got {wish!r}")
    if not wish:
        return [], []
    folder = Path(environ.get("PEERS_DIR") or BESIDE)
    found: list[Engine] = []
    missing: list[str] = []
    for name, make in (("kafka-streams", _kafka_streams), ("flink", _flink), ("bytewax", _bytewax), ("quix", _quix)):
        try:
            if not folder.is_dir():
                raise NotHere(f"there is no folder {folder}; PEERS_DIR names it")
            found += make(stand, folder, readings)
        except NotHere as reason:
            missing.append(f"{name} is not measured: {reason}")
    return found, missing


def run(stand: Stand, engines: list[Engine], seed: int, assets: int) -> Iterator[tuple[Engine, measure.Cost, int]]:
    """Each engine's cost and the number of signals that it should have given; a twin topic serves all of a size.

    Raises ValueError for so few readings that no signal is due: nothing would tell how far an engine is.
    """
    for readings in dict.fromkeys(engine.readings for engine in engines):
        load = Load(readings, assets, seed=seed)
        column = values(load)
        want = len(threshold_oracle(load, column))
        if not want:
            raise ValueError(f"{readings} readings of {assets} assets give no signal: take more")
        with stand.topics(f"twin-{readings}.") as prefix:
            source = prefix + "readings"
            admin.ensure(stand.bootstrap, [Topic(source, load.partitions, "delete", -1)])
            with stand.step(f"twin topic: producing {readings:,} readings") as told:
                produce(stand.bootstrap, load, column, source, None, told)
            for engine in engines:
                if engine.readings == readings:
                    yield engine, _cost(stand, engine, source, load, want), want


def _cost(stand: Stand, engine: Engine, source: str, load: Load, want: int) -> measure.Cost:
    tag = "peer-" + "".join(c if c.isalnum() else "-" for c in engine.name.lower())
    with stand.topics(tag):
        admin.ensure(stand.bootstrap, [Topic(tag, load.partitions, "delete", -1)])
        consumer = measure.reader(stand.bootstrap, tag, load.partitions, tag + "-seen")
        environ = {"IN": source, "OUT": tag, "TAG": tag, "BROKER": stand.bootstrap, "N": str(load.readings)}
        with (stand.logs / f"{tag}.log").open("wb") as log, stand.step(f"{engine.name}: working") as told:
            follow = measure.Outputs(want)
            cost = measure.run(
                engine.command, {**environ, **engine.environ}, consumer, follow, load.readings, log, PATIENCE_S, told
            )
        consumer.close()
        if cost.seen != want:
            stand.say(f"{engine.name}: {cost.seen:,} signals instead of {want:,}. The end of its log:")
            stand.say_why(stand.logs / f"{tag}.log")
        return cost


def _kafka_streams(stand: Stand, folder: Path, readings: int) -> list[Engine]:
    command = _java(stand, folder / "kafka-streams", [])
    return [
        Engine("Kafka Streams, exactly once, in memory, 200 ms", command, readings, {"MEM": "1"}),
        Engine(
            "Kafka Streams, exactly once, cached, 1 s", command, readings, {"MEM": "1", "CACHE": "1", "COMMIT": "1000"}
        ),
        Engine("Kafka Streams, exactly once, RocksDB, 200 ms", command, readings),
    ]


def _flink(stand: Stand, folder: Path, readings: int) -> list[Engine]:
    command = _java(stand, folder / "flink", OPEN)
    return [
        Engine("Flink, exactly once, heap, 1 s", command, readings),
        Engine("Flink, exactly once, RocksDB, 1 s", command, readings, {"BACKEND": "rocksdb"}),
    ]


def _bytewax(stand: Stand, folder: Path, readings: int) -> list[Engine]:
    _package("bytewax")
    kept = stand.logs / "bytewax"
    kept.mkdir(exist_ok=True)
    _call([sys.executable, "-m", "bytewax.recovery", str(kept), "1"], stand.logs)
    script = str(folder / "python" / "bytewax_flow.py")
    command = [sys.executable, "-m", "bytewax.run", script, "-r", str(kept), "-s", "1", "-b", "0"]
    return [Engine("Bytewax, at least once, 1 s", command, readings)]


def _quix(stand: Stand, folder: Path, readings: int) -> list[Engine]:
    _package("quixstreams")
    command = [sys.executable, str(folder / "python" / "quix.py")]
    environ = {"TMPDIR": str(stand.logs)}
    return [Engine("Quix, exactly once, RocksDB, 1 s", command, min(readings, QUIX_READINGS), environ)]


def _package(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        raise NotHere(f"the package {name} is not in this environment")


def _java(stand: Stand, source: Path, options: list[str]) -> list[str]:
    """Build a peer's one class unless it is built, and answer the command that runs it."""
    java, javac, maven = (shutil.which(tool) for tool in ("java", "javac", "mvn"))
    if java is None or javac is None or maven is None:
        raise NotHere("it needs java, javac (17 or newer) and mvn on the PATH")
    texts = [source / "Watch.java", source / "pom.xml"]
    if absent := [str(path) for path in texts if not path.is_file()]:
        raise NotHere(f"{absent[0]} is not there")
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in texts)).hexdigest()[:12]
    home = cache_dir() / "bench-peers" / f"{source.name}-{digest}"
    if not (home / "built").exists():
        with stand.step(f"building {source.name}: jars from Maven, then javac"):
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            for path in texts:
                shutil.copy(path, home)
            _call([maven, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"], home)
            _call([javac, "-nowarn", "-cp", "jars/*", "-d", "out", "Watch.java"], home)
            (home / "built").touch()
    # What a peer keeps on disk goes where the run's own files go, and ends with them.
    kept = stand.logs / f"{source.name}-tmp"
    kept.mkdir(exist_ok=True)
    classpath = f"{home / 'out'}:{home / 'jars'}/*"
    return [java, "-Xmx2g", f"-Djava.io.tmpdir={kept}", *options, "-cp", classpath, "Watch"]


def _call(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=BUILD_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise NotHere(f"`{Path(command[0]).name}` was not done within {BUILD_S:.0f} s") from error
    if done.returncode:
        text = (done.stdout + done.stderr).strip()[-1000:]
        raise NotHere(f"`{Path(command[0]).name}` ended with {done.returncode}: {text}")
