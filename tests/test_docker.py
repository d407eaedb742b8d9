"""The container files against the code: what can be held without Docker."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import msgspec
from verbs import every_verb

from brain.screen.access.config import load
from brain.screen.access.tokens import keys_of
from brain.settings import Settings
from streams.broker_files import server_properties

ROOT = Path(__file__).resolve().parent.parent
DOCKER = ROOT / "docker"
FIELDS = {field.name for field in msgspec.structs.fields(Settings)}
VERBS = every_verb()


def yaml(name: str) -> dict[str, Any]:
    return msgspec.yaml.decode((DOCKER / name).read_bytes(), type=dict[str, Any])


def steps() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile: (name, rest), continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines if line.strip())]


def ours() -> dict[str, dict[str, Any]]:
    services = yaml("compose.yaml")["services"]
    return {name: s for name, s in services.items() if s["image"].startswith("city-brain:")}


def names_a_verb(words: list[str]) -> bool:
    """Whether the words begin with a command that `brain` knows, sub-command included; options must be its own."""
    command: Any = VERBS
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    options = {name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]}
    runnable = not hasattr(command, "commands") or command.invoke_without_command
    return command is not VERBS and runnable and all(w in options for w in words if w.startswith("-"))


def test_every_command_in_a_container_is_a_verb_that_brain_knows() -> None:
    assert ours().keys() == {"topics", "worker", "screen", "notify", "agent", "demo"}
    assert [name for name, s in ours().items() if not names_a_verb(s["command"])] == []
    (default,) = [rest for name, rest in steps() if name == "CMD" and not rest.startswith('["python"')]
    assert names_a_verb(msgspec.json.decode(default))
    assert not names_a_verb(["nothing"])
    assert not names_a_verb(["worker", "--no-such-option"])
    assert not names_a_verb(["kafka"])


def test_the_agent_that_compose_runs_is_there() -> None:
    from brain.commands.agent import find

    assert callable(find(ours()["agent"]["command"][2]))


def test_every_setting_that_a_container_is_given_is_one() -> None:
    files = [path for path in sorted(DOCKER.iterdir()) if path.is_file()]
    given = {(path.name, name) for path in files for name in re.findall(r"BRAIN_[A-Z_]+", path.read_text("utf-8"))}
    assert ("Dockerfile", "BRAIN_HEALTH_HOST") in given
    assert [(path, name) for path, name in given if name.removeprefix("BRAIN_").lower() not in FIELDS] == []


def test_the_dockerfile_copies_only_what_is_there_and_not_ignored() -> None:
    kept = [
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")
    ]  # fmt: skip
    copied = [w for name, rest in steps() if name == "COPY" and "--from" not in rest for w in shlex.split(rest)[:-1]]
    assert {"brain/", "streams/", "geo/", "models/", "config/", "requirements.lock"} <= set(copied)
    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert [
        path
        for path in copied
        if not any(fnmatch(f"{path.rstrip('/')}/".split("/")[0], k) or fnmatch(path, k) for k in kept)
    ] == []
    assert [k for k in kept if not (ROOT / k).exists()] == []


def test_no_image_is_taken_as_whatever_is_newest() -> None:
    images = [s["image"] for s in yaml("compose.yaml")["services"].values()]
    images += [
        rest.partition("=")[2] for name, rest in steps() if name == "ARG" and rest.startswith(("BASE=", "NODE="))
    ]
    assert len(images) == len(yaml("compose.yaml")["services"]) + 2
    assert [image for image in images if not re.fullmatch(r"[\w./-]+:v?\d[\w.-]*", image)] == []
    assert {rest.split()[0] for name, rest in steps() if name == "FROM"} == {"${BASE}", "${NODE}"}


def test_nothing_of_ours_runs_as_root_or_with_a_writable_root() -> None:
    (user,) = [rest for name, rest in steps() if name == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "a number, so that a scheduler can see that it is not root"
    last = [name for name, _ in steps()]
    assert last.index("USER") > max(i for i, name in enumerate(last) if name in {"RUN", "COPY"})
    assert all(s["read_only"] and s["cap_drop"] == ["ALL"] and s["tmpfs"] for s in ours().values())


def test_the_first_process_is_brain_itself_so_that_sigterm_reaches_it() -> None:
    (entry,) = [rest for name, rest in steps() if name == "ENTRYPOINT"]
    (path,) = msgspec.json.decode(entry, type=list[str])
    script = DOCKER / Path(path).name
    assert os.access(script, os.X_OK)
    assert script.read_text("utf-8").rstrip().splitlines()[-1] == 'exec python -m brain "$@"'


def test_the_entrypoint_hands_its_arguments_on_and_takes_the_kernels_along(tmp_path: Path) -> None:
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "kernel.nbc").write_bytes(b"compiled")
    script = tmp_path / "entrypoint"
    script.write_text((DOCKER / "entrypoint").read_text("utf-8").replace("/opt/brain/kernels", str(tmp_path / "built")))
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(ROOT),
        "NUMBA_CACHE_DIR": str(tmp_path / "kernels"),
    }  # fmt: skip
    for _ in range(2):  # a container that is started again has its copy already
        ended = subprocess.run(
            ["/bin/sh", str(script), "agent", "--help"], env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        assert "list" in ended.stdout
        assert (tmp_path / "kernels" / "kernel.nbc").read_bytes() == b"compiled"


def test_the_health_check_asks_the_port_that_the_image_sets_and_prometheus_scrapes() -> None:
    text = (DOCKER / "Dockerfile").read_text("utf-8")
    found = re.search(r"BRAIN_HEALTH_PORT=(\d+)", text)
    assert found
    port = int(found.group(1))
    assert re.search(rf"^EXPOSE (\d+ )*{port}\b", text, re.MULTILINE)
    (check,) = [rest for name, rest in steps() if name == "HEALTHCHECK"]
    assert "/health/ready" in check
    scraped = {job["job_name"]: sd for job in yaml("prometheus.yml")["scrape_configs"] for sd in job["dns_sd_configs"]}
    assert scraped.keys() == {"worker", "agent", "notify", "screen"} <= ours().keys(), "as the alerts name them"
    assert all(sd["names"] == [job] for job, sd in scraped.items())
    page = int(ours()["screen"]["command"][ours()["screen"]["command"].index("--port") + 1])
    assert {job: sd["port"] for job, sd in scraped.items()} == dict.fromkeys(scraped, port) | {"screen": page}
    assert re.search(rf"^EXPOSE (\d+ )*{page}\b", text, re.MULTILINE)


def test_the_example_of_access_can_be_used_as_it_stands_with_a_secret_beside_it(tmp_path: Path) -> None:
    example = (ROOT / "config" / "access.example.yaml").read_text("utf-8")
    (tmp_path / "access.yaml").write_text(example, "utf-8")
    (tmp_path / "token.secret").write_text("s" * 64)
    access = load(tmp_path / "access.yaml")
    assert keys_of(access)
    city = re.sub(r"^(algorithms|secret_file): .*\n", "", example, flags=re.MULTILINE)
    city = re.sub(r"^# (algorithms|keys|claims|roles|proxies): ", r"\1: ", city, flags=re.MULTILINE)
    (tmp_path / "city.yaml").write_text(city, "utf-8")
    assert load(tmp_path / "city.yaml").keys == str(tmp_path / "jwks.json")
    (mount,) = ours()["screen"]["volumes"]
    assert f"{mount.split(':')[1]}/access.yaml" in ours()["screen"]["command"]


def test_the_broker_of_compose_has_what_the_embedded_one_has_where_it_matters() -> None:
    lines = server_properties(Path("data"), 1, 2).splitlines()
    embedded = dict(line.split("=", 1) for line in lines)
    broker = yaml("compose.yaml")["services"]["kafka"]["environment"]
    of_compose = {k.removeprefix("KAFKA_").lower().replace("_", "."): v for k, v in broker.items()}
    for name in (
        "auto.create.topics.enable", "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        "offsets.topic.replication.factor", "transaction.state.log.replication.factor",
        "transaction.state.log.min.isr", "group.initial.rebalance.delay.ms",
    ):  # fmt: skip
        assert of_compose[name] == embedded[name], name
    assert int(of_compose["message.max.bytes"]) == int(embedded["message.max.bytes"])


def test_what_runs_while_the_image_is_built_runs(tmp_path: Path) -> None:
    environment = {"PATH": "", "PYTHONPATH": str(ROOT)} | {
        k: v for k, v in os.environ.items() if k.startswith("NUMBA_")
    }  # fmt: skip
    ended = subprocess.run(
        [sys.executable, str(DOCKER / "warm.py")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert list(tmp_path.iterdir()) == []
