"""The page as far as no browser is needed: its words, what locks its build, and how its files are served."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import get_args

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from brain.incidents.actions import CLASSES
from brain.incidents.by_hand import SOURCE as PEOPLE
from brain.incidents.clocks import ClockName
from brain.incidents.reasons import Reason
from brain.incidents.trust import WORDS as DOUBTS
from brain.incidents.value import DOMAINS, Confidence, Grade, State, Warning
from brain.incidents.warning_rules import SOURCE as OFFICIAL
from brain.incidents.words import DOUBTS as AGAINST
from brain.scenario_form import Source
from brain.screen.access.rights import Role
from brain.screen.page_files import ASK, FOREVER, page_router, takes_gzip
from models.trust import REASONS

PAGE = Path(__file__).resolve().parents[2] / "brain" / "screen" / "page"
WORDS = sorted((PAGE / "src" / "words").glob("*.json"))
SOURCES = sorted([*(PAGE / "src").rglob("*.ts"), *(PAGE / "src").rglob("*.tsx")])


def words() -> dict[str, dict[str, str]]:
    return {key: text for path in WORDS for key, text in json.loads(path.read_text(encoding="utf-8")).items()}


def test_every_word_of_the_page_is_there_in_both_languages_with_the_same_blanks() -> None:
    wrong = []
    for key, text in words().items():
        blanks = [sorted(re.findall(r"\{(\w+)\}", text.get(language, ""))) for language in ("zh", "en")]
        if set(text) != {"zh", "en"} or not all(text.values()) or blanks[0] != blanks[1]:
            wrong.append(key)
    assert len(words()) > 50
    assert wrong == []


def test_no_word_of_the_page_is_in_two_tables() -> None:
    keys = [key for path in WORDS for key in json.loads(path.read_text(encoding="utf-8"))]
    assert sorted(keys) == sorted(set(keys))


def test_every_word_of_the_tables_is_said_somewhere() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    made_up = tuple(re.findall(r"t\(`([\w.]+\.)\$\{", code)) + tuple(f"{p}." for p in re.findall(r'tOf\("(\w+)"', code))
    assert [key for key in words() if f'"{key}"' not in code and not key.startswith(made_up)] == []


def test_no_word_is_written_into_the_page_beside_its_tables() -> None:
    # Units of time, the names of the two languages and a font are no sentences.
    allowed = {"span.ts", "header.tsx", "signin.tsx"}
    found = []
    for path in SOURCES:
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        if path.name not in allowed and re.search(r"[\u4e00-\u9fff]", code):
            found.append(path.relative_to(PAGE).as_posix())
    assert found == []


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("domain", set(DOMAINS)),
        ("state", set(get_args(State))),
        ("confidence", set(get_args(Confidence))),
        ("warning", set(get_args(Warning)) - {""}),
        ("grade", set(get_args(Grade)) - {""}),
        ("role", {role.value for role in Role}),
        ("clock", set(get_args(ClockName))),
        ("source", {*get_args(Source), OFFICIAL, PEOPLE, "system"}),
        ("act", {*CLASSES, "earlier"}),
        ("doubt", {*(reason.name for reason in REASONS), *DOUBTS.values(), Reason.CONTRADICTED.value}),
    ],
)
def test_the_page_has_a_word_for_each_value_that_the_server_may_send_and_for_no_other(
    prefix: str, said: set[str]
) -> None:
    assert {key.partition(".")[2] for key in words() if key.startswith(f"{prefix}.")} == said


def test_the_page_and_the_server_say_the_same_of_a_doubted_asset() -> None:
    said = {name: {"zh": text.zh, "en": text.en} for name, text in AGAINST.items()}
    assert {name: words()[f"doubt.{name}"] for name in said} == said


def test_the_lock_of_the_page_has_a_hash_for_every_package_and_no_address() -> None:
    text = (PAGE / "package-lock.json").read_text(encoding="utf-8")
    packages = {name: of for name, of in json.loads(text)["packages"].items() if name}
    assert '"resolved"' not in text
    # npm install writes addresses of who takes donations; npm ci does not need them.
    assert "http" not in text
    assert [name for name, of in packages.items() if "integrity" not in of and not of.get("inBundle")] == []


def test_the_page_names_exact_versions() -> None:
    package = json.loads((PAGE / "package.json").read_text(encoding="utf-8"))
    named = {**package["dependencies"], **package["devDependencies"]}
    assert [name for name, version in named.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><p>page</p>")
    (tmp_path / "assets" / "a-1.js").write_text("let a = 1;")
    (tmp_path / "assets" / "a-1.js.gz").write_bytes(gzip.compress(b"let a = 1;"))
    return tmp_path


def test_hashed_files_are_kept_for_ever_and_the_page_is_asked_for_anew(dist: Path) -> None:
    with TestClient(Litestar([page_router(dist)], openapi_config=None)) as client:
        page, script = client.get("/"), client.get("/assets/a-1.js")
        assert (page.status_code, page.headers["cache-control"]) == (200, ASK)
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "unsafe-eval" not in page.headers["content-security-policy"]
        assert (script.headers["cache-control"], script.headers["content-encoding"]) == (FOREVER, "gzip")
        assert script.text == "let a = 1;"
        assert client.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304


def test_a_browser_without_gzip_gets_the_file_as_it_is(dist: Path) -> None:
    with TestClient(Litestar([page_router(dist)], openapi_config=None)) as client:
        plain = client.get("/assets/a-1.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == "let a = 1;"


def test_a_file_of_another_build_is_not_found_and_not_kept(dist: Path) -> None:
    with TestClient(Litestar([page_router(dist)], openapi_config=None)) as client:
        gone = client.get("/assets/b-2.js")
    assert (gone.status_code, gone.headers["cache-control"]) == (404, ASK)


@pytest.mark.parametrize(("language", "said"), [("zh", "界面尚未构建"), ("en", "The page is not built")])
def test_without_a_build_the_page_says_what_to_run(tmp_path: Path, language: str, said: str) -> None:
    with TestClient(Litestar([page_router(tmp_path)], openapi_config=None)) as client:
        answer = client.get("/", headers={"Accept-Language": language})
    assert answer.status_code == 503
    assert said in answer.text
    assert "make setup" in answer.text


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [("gzip, br", True), ("*", True), ("br", False), ("", False), ("gzip;q=0", False), ("deflate, gzip;q=0.5", True)],
)
def test_gzip_goes_to_those_who_take_it(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes
