"""The house keeps its own rules: paths, locks, imports, lengths."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("brain", "streams", "geo", "models")
LONGEST = 450
PATH_NAMED = re.compile(r"`((?:brain|streams|geo|models|config|docker|tests|bench|docs|tools|\.ci)/[^`\s]*)`")
MACHINE_PATH = re.compile(r"(?<![\w.~>})/-])/(?:work|root|home|Users|tmp)/[\w.]")


def tracked() -> list[Path]:
    """Files that are, or would be, committed."""
    asked = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(asked, capture_output=True, check=True).stdout.decode()
        names = [name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        # Unpacked without its repository: everything but what `make setup` and the tools made.
        made = {".venv", ".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if not made & set(p.relative_to(ROOT).parts)]
    return [path for path in (ROOT / name for name in sorted(names)) if path.is_file() or path.is_symlink()]


def text_of(path: Path) -> str:
    if path.is_symlink():
        return str(path.readlink())
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.is_file()]


def imports_of(path: Path) -> set[str]:
    """Top-level names of all modules a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_every_path_named_in_the_architecture_exists() -> None:
    page = ROOT / "ARCHITECTURE.md"
    assert page.exists(), "ARCHITECTURE.md is missing: it is the plan of the house"
    named = PATH_NAMED.findall(page.read_text(encoding="utf-8"))
    assert named, "ARCHITECTURE.md names no path in backticks"
    # A placeholder (<name>) or a glob stands for at least one file.
    gone = [n for n in named if not any(ROOT.glob(re.sub(r"<[^>]+>", "*", n).rstrip("/")))]
    assert gone == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_has_a_hash_for_every_package_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links|-f|--trusted-host)\b", text, re.MULTILINE)
    entries = re.split(r"\n(?=\S)", text.strip())
    without = [e.splitlines()[0] for e in entries if not e.startswith("#") and "--hash=sha256:" not in e]
    assert without == []


def test_the_development_lock_runs_the_very_versions_of_the_run_lock() -> None:
    pins = [
        set(re.findall(r"^[\w.-]+==[^\s;]+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    ]
    assert pins[0] - pins[1] == set()


def test_the_locks_hold_every_package_that_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    dev = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")

    def absent(wanted: list[str], text: str) -> list[str]:
        names = [re.split(r"[=<>~!\[; ]", w)[0] for w in wanted]
        return [n for n in names if not re.search(rf"^{re.escape(n)}==", text, re.MULTILINE)]

    assert absent(project["dependencies"], lock) == []
    assert absent(project["optional-dependencies"]["dev"], dev) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    found = []
    for path in tracked():
        if path == Path(__file__).resolve():
            continue
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if MACHINE_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_only_streams_imports_kafka_clients_and_faust() -> None:
    clients = {"faust", "mode", "aiokafka", "kafka"}
    guilty = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if path.relative_to(ROOT).parts[0] in {"brain", "geo", "models"} and imports_of(path) & clients
    ]
    assert guilty == []


def test_streams_geo_and_models_import_nobody_of_ours() -> None:
    guilty = []
    for path in python_files():
        room = path.relative_to(ROOT).parts[0]
        if room in {"streams", "geo", "models"} and imports_of(path) & ({*ROOMS, "bench", "tests"} - {room}):
            guilty.append(str(path.relative_to(ROOT)))
    assert guilty == []


def test_no_python_file_is_longer_than_it_should_be() -> None:
    lengths = {str(p.relative_to(ROOT)): len(text_of(p).splitlines()) for p in python_files()}
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_every_module_says_in_its_first_lines_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if path.relative_to(ROOT).parts[0] in {*ROOMS, "bench"}
        and ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None
    ]
    assert silent == []


def test_folders_of_tests_hide_no_package_of_ours() -> None:
    hiding = [str(p.relative_to(ROOT)) for p in (ROOT / "tests").rglob("__init__.py")]
    hiding += [f"tests/{room}" for room in ROOMS if (ROOT / "tests" / room).exists()]
    assert hiding == []
    assert not (ROOT / "docker" / "__init__.py").exists()


def test_the_changelog_has_an_unreleased_section() -> None:
    assert re.search(r"^## \[?Unreleased\]?", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
