"""What `brain set check` says of a set is wholly in Chinese, or wholly in English."""

from __future__ import annotations

import ast
import pickle
import re
import shutil
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from both_languages import trouble
from typer.testing import CliRunner

from brain.chinese import CHINESE
from brain.chinese.below import TEXTS, chinese
from brain.cli import app
from brain.near import Both
from brain.scenarios import ScenarioError
from brain.set_check import check
from brain.unfit import Unfit, both

ROOT = Path(__file__).parents[2]
NOW = 1_796_000_000_000  # 2026-11-29
BELOW = (
    "streams/bundle.py",
    "streams/registry.py", "streams/view.py", "geo/geojson.py", "geo/city_map.py", "geo/feature.py", "geo/grid_map.py",
    "geo/times.py", "geo/metres.py", "geo/rivers.py", "geo/addresses/book.py",
    "models/detector.py", "models/decision.py", "models/combine.py",
    "models/drift.py", "models/halfspace.py", "models/noise.py", "models/novelty.py", "models/quantile.py",
    "models/seasonal.py", "models/skew.py", "models/spike.py", "models/standards/table.py", "models/standards/air.py",
    "models/standards/flood.py", "models/standards/weather.py", "models/standards/model.py", "models/text/lexicon.py",
    "models/text/place.py", "models/text/store.py", "models/video/homography.py",
)  # fmt: skip
"""Modules beneath the brain that look at what a set's files say, or a bundle."""
CALLS = (
    "reach 7", "rivers: expected", "zone: expected EPSG", "state", "slot", "columns", "truth",
    "7: expected 7 numbers", "7: expected 7 texts", "7: unknown input", "7: there is no such model",
)  # fmt: skip
"""Beginnings of what they say of a program that calls them wrongly: no file brings it about."""


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Where an error of both languages is raised, with what it says."""
    trees = {path: ast.parse(path.read_text()) for path in sorted((ROOT / "brain").rglob("*.py"))}
    names = {"Unfit"}
    for node in (node for tree in trees.values() for node in ast.walk(tree)):
        if isinstance(node, ast.ClassDef) and names & {base.id for base in node.bases if isinstance(base, ast.Name)}:
            names.add(node.name)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def fields(form: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(form) if name}


def test_each_error_has_a_chinese_text_with_the_same_values() -> None:
    met = set[str]()
    for where, call in calls():
        if len(call.args) < 2 or ast.unparse(call.func) == "DoubleKey":
            continue
        form = ast.literal_eval(call.args[1])
        met.add(form)
        assert fields(form) == {keyword.arg for keyword in call.keywords}, where
        if re.search("[a-z]{2}", re.sub(r"\{[^}]*\}|detect\.settings\.|types\.", "", form)):
            assert form in CHINESE, f"{where}: {form!r} has no Chinese"
            assert fields(CHINESE[form]) == fields(form), where
    assert set(CHINESE) - met - {"stands twice (line {line})"} == set(), "nothing says these any more"


def test_each_text_of_those_below_has_its_chinese() -> None:
    for name in BELOW:
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                said = filled(node.exc.args[0])
                if re.search("[a-z]{2} [a-z]", said) and not said.startswith(CALLS):
                    assert not trouble(chinese(said), said), f"{name}:{node.lineno}"


def filled(node: ast.expr) -> str:
    """A text as it stands in a program, with 7 for each value."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def test_no_text_of_those_below_is_hidden_by_one_that_says_less() -> None:
    for en, zh in TEXTS:
        assert chinese(en.replace("{}", "7")) == zh.format(*["7"] * en.count("{}")), en


@pytest.mark.parametrize(
    ("said", "zh"),
    [
        ("alpha: expected a number in (0, 1], got 3", "alpha: 应为 (0, 1] 内的数, 实为 3"),
        ("Object missing required field `x` - at `$.a[0]`", "缺少 `x` (位于 `$.a[0]`)"),
        ('while scanning a quoted scalar\n  in "<byte string>", line 1, column 4\nfound unexpected end of stream',
         "在读引号内的文本时 第 1 行第 4 列 文件在此中断: 引号没有关闭"),
        ("assets: record 3 (a-1): id: stands twice", "assets: 第 3 条 (a-1): id: 出现两次"),
        ("address book: code 'a' is there 2 times; row 3 (b): expected degrees, got 7, 900",
         "地址表: 编码 'a' 出现 2 次; 第 3 行 (b): 应为度数, 实为 7, 900"),
        ("something that nobody foresaw", "something that nobody foresaw"),
    ],
)  # fmt: skip
def test_what_is_said_below_is_told_part_by_part(said: str, zh: str) -> None:
    assert chinese(said) == zh


def test_an_error_has_its_place_once_and_its_values_in_both_languages() -> None:
    inner = Unfit("detect.given", "expected {kind}, got {got!r}", kind=Both("数", "a number"), got="x")
    outer = Unfit("f.yaml", "{said}", said=both(inner))
    assert str(outer) == "f.yaml: detect.given: expected a number, got 'x'"
    assert outer.text("zh") == "f.yaml: detect.given: 应为数, 实为 'x'"


def test_an_error_comes_whole_from_one_process_to_another() -> None:
    error = ScenarioError("f.yaml: id", "{id!r} is there already", "duplicate_id", "id", id="eco.a")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
    assert (again.text("zh"), str(again), again.code, again.place) == (
        "f.yaml: id: 'eco.a' 已经存在", "f.yaml: id: 'eco.a' is there already", "duplicate_id", "id"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "says"), [("zh", "应为生效集的目录: 其中没有 assets.ndjson"), ("en", "it has no assets")]
)
def test_a_folder_that_is_none_of_a_set_is_told_in_both_languages(lang: str, says: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["set", "check", str(tmp_path), "--lang", lang])
    assert done.exit_code == 2
    assert says in " ".join(done.output.split())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's set, with few scenarios, its own tables of standards and its own words."""
    kept = {"fire_call.yaml", "smoke_sensor.yaml", "noise_many.yaml"}

    def others(path: str, names: list[str]) -> set[str]:
        return {name for name in names if "scenarios" in Path(path).parts and name.endswith(".yaml")} - kept

    folder = tmp_path_factory.mktemp("set") / "demo"
    shutil.copytree(ROOT / "config/demo", folder, ignore=others)
    shutil.copytree(ROOT / "config/standards", folder / "standards")
    shutil.copytree(ROOT / "config/text", folder / "text")
    return folder


def rows(*more: str) -> str:
    """A table of events whose first row is right."""
    return "version: 1\nevents:\n  - {code: eco, zh: 生态, en: Eco, domain: eco, radius_m: 9, window_s: 9}\n" + "".join(
        f"  - {row}\n" for row in more
    )


LIMITS = """\
version: 1
unacknowledged: [2m, 5m]
promise: {life: 10m, other: 4h}
limits:
  - {event_code: "*", life: true, calendar: clock, accept: 2m}
  - {event_code: "*", life: false, calendar: clock, accept: 2m}
"""
CALENDAR = """\
version: 1
zone: Asia/Shanghai
hours: ['09:00-12:00']
years: [2026]
source: {name: x, version: '1', licence: MIT}
holidays: {2026-01-01: 元旦}
workdays: {2026-01-04: 元旦}
"""
TYPE = "version: 1\nfloor: 0.5\ntypes: {gas: %s}\n"
ASSET = (
    '{"id": "%s", "type": "gas", "owner": "o", "lon": %s, "lat": 22.2, "crs": "%s", "every_s": 60, '
    '"metrics": {"ch4": {"unit": "u", "range": [0, %s]}}}\n'
)
SQUARE = "[[[113.4, 22.1], [113.5, 22.1], [113.5, 22.2], [113.4, 22.2], [113.4, 22.1]]]"
MAP = '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": %s, "geometry": %s}]}'
POLYGON = '{"type": "Polygon", "coordinates": %s}' % SQUARE  # noqa: UP031  # braces
CODES = '{"grid": "1", "town": "2", "district": "3"}'
WORDS = "regions: [区]\nendings: [路]\ncues: [在]\nnever: [a]\nnames: [a]\n"

BROKEN: dict[str, list[str]] = {
    "events.yaml": [
        rows("{code: 'x y', zh: a, en: b}"), rows("{code: eco, zh: a, en: b}"), rows("{code: a.b, zh: a, en: b}"),
        rows("{code: eco.x, zh: a, en: b, parent: eko}"), rows("{code: x, zh: a, en: b}"),
        rows("{code: x, zh: a, en: b, parent: y}", "{code: y, zh: a, en: b, parent: x}"),
        rows("{code: eco.x, zh: a, en: b, radius_m: -1}"), rows("{code: eco.x, zh: a, en: b, window_s: 0}"),
        rows("{code: eco.x, zh: a, en: b, domain: eko}"), rows("{code: eco.x, zh: a, en: b, live: true}"),
        rows("{code: 7, zh: a, en: b}"), rows("7"), rows("{code: eco.x, zh: a}"), rows().replace("1", "2"),
        rows() + "more: 1\n", "- 1\n", "events: {}\nversion: 1\n", "version: 1\nevents: [\n", "a: b: c\n",
        "version: 1\n\tevents: []\n", "version: 1\nevents: *all\n", "version: 1\nevents: []\nversion: 1\n",
        "version: 1\nnote: 2026-02-30\nevents: []\n", "version: 1\nnote: 'x\n", "version: one\nevents: []\n",
    ],
    "routes.yaml": [
        f"version: 1\ndepartments: {{a: {{zh: 甲}}}}\ndefaults: {{{', '.join(f'{d}: {{lead: a}}' for d in names)}}}\n"
        f"routes: [{route}]\n{more}"
        for names, route, more in [
            (("eco",), "", ""),
            *(
                (("emergency", "market", "eco", "social", "public", "economy"), route, more)
                for route, more in [
                    ("{lead: b, event_code: eco.x}", ""), ("{lead: a}", ""),
                    ("{lead: a, domain: eco, event_code: x}", ""), ("{lead: a, domain: eko}", ""),
                    ("{lead: a, event_code: 'a*b'}", ""), ("{lead: a, event_code: x, assisting: [a]}", ""),
                    ("{lead: a, event_code: x, town: t, zone: z}", ""), ("{lead: a, event_code: no.such}", ""),
                    ("{lead: a, event_code: x}, {lead: a, event_code: x}", ""),
                    ("{lead: a, event_code: eco, district: '7', owner: nobody}", ""), ("", "strict: true\n"),
                    ("{lead: a, domain: eco, grid: 7}", ""), ("{lead: a, domain: eco, extra: 7}", ""),
                ]
            ),
        ]
    ],
    "limits.yaml": [
        LIMITS.replace(was, now, 1)
        for was, now in [
            ("version: 1", "version: 1\nwarn: 2"), ("version: 1", "version: 1\nextensions: -1"),
            ("other: 4h", "other: 4h, repeats: 0"), ("[2m, 5m]", "[]"), ("[2m, 5m]", "[5m, 5m]"), ("10m", "ten"),
            ('  - {event_code: "*", life: true, calendar: clock, accept: 2m}\n', ""),
            ('  - {event_code: "*", life: false, calendar: clock, accept: 2m}\n', ""),
            *(("limits:\n", f"limits:\n  - {{{row}}}\n") for row in [
                "event_code: 'a*b', calendar: clock, accept: 2m", "event_code: eco, calendar: clock",
                "event_code: eco, calendar: clock, accept: 2m, levels: [9]",
                "event_code: eco, calendar: clock, accept: 2m, levels: [1, 1]",
                "event_code: eco, calendar: working, accept: 2m, life: true",
                "event_code: eco, calendar: clock, accept: soon", "event_code: eco, calendar: clok, accept: 2m",
                "event_code: eco, calendar: clock, accept: 2m, warn: 7",
                "event_code: '*', life: true, calendar: clock, accept: 9m",
                "event_code: eko, calendar: clock, accept: 2m",
            ]),
        ]
    ],
    "calendar.yaml": [
        CALENDAR.replace(was, now, 1)
        for was, now in [
            ("version: 1", "version: 2"), ("Asia/Shanghai", "Asia/Tokio"), ("[2026]", "[]"), ("[2026]", "[2024, 2026]"),
            ("2026-01-01", "2025-01-01"), ("[2026]", "[2026, 2027]\nmore: 1"), ("2026-01-04", "2026-01-05"),
            ("2026-01-04", "2026-01-01"), ("2026-01-01: 元旦", "2026-01-04: 元旦"), ("['09:00-12:00']", "[]"),
            ("09:00-12:00", "nine"), ("09:00-12:00", "12:00-09:00"), ("2026-01-01", "soon"),
        ]
    ],
    "causes.yaml": [
        f"version: 1\ncauses:\n  - {{cause: eco.a, effect: eco.b, {row}}}\n"
        for row in [
            "within_s: 9, up_to: 1", "within_s: 9, up_to: 1, same: district, within_m: 5",
            "within_s: 9, up_to: 1, within_m: 0",
            "within_s: 9, up_to: 1, same: district, along: down", "within_s: 0, up_to: 1, same: district",
            "within_s: 9, up_to: 9, same: district", "within_s: 9, up_to: 1, same: city",
        ]
    ] + ["version: 1\ncauses:\n  - {cause: eco.a, effect: eco.a, within_s: 9, up_to: 1, same: district}\n"],
    "trust.yaml": [
        "version: 2\ntypes: {}\n", "version: 1\nfloor: 7\ntypes: {}\n", "version: 1\nfloor: low\ntypes: {}\n", "7\n",
        *(TYPE % one for one in [
            "{clock_s: 0}", "{drift: {}}", "{neighbours: {within_m: 0}}", "{flatlin: {}}", "{flatline: {toleranc: 1}}",
            "{flatline: {tolerance: -1}}", "{flatline: {tolerance: x}}", "{neighbours: {within: 5}}", "7",
            "{neighbours: {within_m: 5, settings: {x: 1}}}", "{noise: {slow: 0.5, quick: 0.1}}", "{clock_s: soon}",
        ]),
    ],
    "agents.yaml": [
        f"version: 1\nagents:\n  - {{{row}}}\n"
        for row in [
            "id: emergency.gas.plum, version: 2", "id: emergency.gas.plume, version: 1",
            "id: emergency.gas.plume, version: 2, params: {rate: 5}",
            "id: emergency.gas.plume, version: 2, params: {rate_g_s: -5}",
            "id: emergency.gas.plume, version: 2, params: {rate_g_s: much}",
            "id: emergency.gas.plume, version: 2, state: alive", "id: emergency.gas.plume",
            "id: emergency.gas.plume, version: 2}\n  - {id: emergency.gas.plume, version: 2",
        ]
    ],
    "assets.ndjson": [
        ASSET % ("a", 113.4, "wgs84", 9) * 2, ASSET % ("", 113.4, "wgs84", 9), ASSET % ("a", 999, "wgs84", 9),
        ASSET % ("a", 113.4, "mars", 9), ASSET % ("a", 113.4, "wgs84", -9), ASSET % ("a", '"east"', "wgs84", 9),
        "{}\n", "{\n", "7\n", '{"id": 1}\n', "\n{,}\n",
        ASSET.replace('"every_s"', '"calibrated": -1, "every_s"') % ("a", 113.4, "wgs84", 9),
        ASSET.replace('"every_s"', '"past": [{"until": 9, "lon": 1, "lat": 1, "crs": "wgs84"}], "every_s"')
        % ("a", 113.4, "wgs84", 9),
        *(ASSET.replace('"every_s"', f'"view": {view}, "every_s"') % ("a", 113.4, "wgs84", 9) for view in [
            '{"points": [[1, 1, 113, 22]]}', '{"gap_s": 0}', '{"reach": -1}',
            '{"zones": [{"id": "", "kind": "crowd"}]}', '{"zones": [{"id": "z", "kind": "crowd"}]}',
            '{"zones": [{"id": "z", "kind": "crowd", "picture": [[1, 1]]}]}',
            '{"zones": [{"id": "z", "kind": "crowd", "map": [[1, 1], [1, 2], [2, 1]]}]}',
            '{"zones": [{"id": "z", "kind": "crowd", "picture": [[1, 1], [1, 2], [2, 1]]}]}',
            '{"lines": [{"id": "z", "kind": "gate", "picture": [[1, 1], [1, 1]]}]}',
        ]),
    ],
    "map.geojson": [
        "{", "[]", "{}", '{"type": "FeatureCollection", "features": [], "crs": {}}',
        MAP.replace("]}", "]}, 7") % (CODES, POLYGON),
        '{"features": []}', MAP % ("null", POLYGON), MAP % ('{"layer": 7}', POLYGON), MAP % ('{"grid": 7}', POLYGON),
        MAP % (CODES, "null"), MAP % (CODES, '{"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 9], [7, 7]]]}'),
        MAP % (CODES, '{"type": "Point", "coordinates": [113, 22]}'), MAP % ('{"grid": "1"}', POLYGON),
        MAP % (CODES, POLYGON.replace("113.5, 22.1]", "113.5, 22.3]")), MAP % (CODES, POLYGON.replace("22", "220")),
        MAP % (CODES.replace("}", ', "since": "soon"}'), POLYGON),
        MAP % (CODES.replace("}", ', "since": "2026-01-01"}'), POLYGON),
        MAP % ('{"layer": "river", "code": "r"}', '{"type": "LineString", "coordinates": [[113, 22], [113.1, 22]]}'),
        (MAP % (CODES, POLYGON)).replace("}}]}", "}}, " + (MAP % (CODES, POLYGON)).partition("[")[2]),
        MAP % (CODES, '{"type": "Polygon", "coordinates": [[["a", 2]]]}'), MAP % (CODES, '{"type": "Blob"}'),
    ],
    "scenarios.lock": ["a b\n", "a one two\n", "a 1 h kind\n"],
    "text/lexicon.yaml": [
        "kinds: 7\n", "kinds: {life: fire}\n", "kinds: {life: [火]}\nreach: 900\n", "- 1\n", "kinds: [\n"
    ],
    "text/place.yaml": ["regions: 7\n", WORDS.replace("[区]", "[]"), WORDS + "city: 7\n", "7\n"],
    "text/classes.skops": ["no model\n"],
    "text/addresses.csv": [
        "code,lon\n", "a\n1,2\n", "code,road,number,lon,lat\n1,a,2,113,22\n1,a,3,900,22\n",
        "code,road,lon,lat\n1,a,x,22\n",
        "code,lon,lat\n1,113,22\n",
    ],
    "standards/gas-limit.yaml": ["id: x\n", "- 1\n", "id: [\n"],
}  # fmt: skip
"""Files of a set, each broken in many ways: what is wrong with each is told by a table's own rules."""


def told(folder: Path) -> list[tuple[str, str, str]]:
    return [(f"{f.file}:{f.line} {f.place}", f.what.zh, f.what.en) for f in check(folder, NOW).faults]


def test_a_fault_of_a_scenario_is_told_in_one_language_and_its_place_once(demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo, tmp_path / "set")
    path = next((tmp_path / "set" / "scenarios").rglob("smoke_sensor.yaml"))
    right = path.read_text()
    for was, now in (
        ("version:", "versoin:"),
        ("detect:", "detect: {above: high}\nx:"),
        ("\nid: ", "\nid: x."),
        ("id:", "id: ["),
    ):
        path.write_text(f"\n{right}".replace(was, now, 1))
        [(place, zh, en)] = [fault for fault in told(tmp_path / "set") if str(path) in fault[0]]
        assert not trouble(zh, en), place
        key = place.partition(" ")[2]
        assert key == "" or not (zh.startswith(key) or en.startswith(key)), en


@pytest.mark.parametrize("turn", range(max(map(len, BROKEN.values()))))
def test_each_fault_of_a_set_is_told_in_one_language(turn: int, demo: Path, tmp_path: Path) -> None:
    """All files are broken at once, each in its next way; a fault that only a sound set shows is looked for alone."""
    broken = {name: texts[turn] for name, texts in BROKEN.items() if turn < len(texts)}
    faults = _of_set(demo, tmp_path / "all", broken)
    for name, text in broken.items():
        if not _names(name, faults):
            alone = _of_set(demo, tmp_path / name.replace("/", "-"), {name: text})
            assert _names(name, alone), f"{name}: {text}"
            faults += alone
    for place, zh, en in faults:
        assert not trouble(zh, en), place
        assert sorted(re.findall(r"'[^']*'", zh)) == sorted(re.findall(r"'[^']*'", en)), "what came is in both"


def _of_set(demo: Path, folder: Path, broken: dict[str, str]) -> list[tuple[str, str, str]]:
    shutil.copytree(demo, folder)
    for name, text in broken.items():
        (folder / name).write_text(text)
    return told(folder)


def _names(name: str, faults: list[tuple[str, str, str]]) -> bool:
    return any(place.partition(":")[0].endswith(name) for place, _, _ in faults)
