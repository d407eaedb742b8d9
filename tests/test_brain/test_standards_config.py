"""Tables of standards as files: what the shipped ones promise, what a wrong one is told, and the command."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from bench import standards as bench
from brain.cli import app
from brain.commands import standards as standards_command
from brain.standards import FOLDER, Library, day_ms, load, read
from models.standards.registry import MODELS
from models.standards.table import Standard, StandardError

GOOD = """
id: rain-x
family: rain.national
name: {zh: 暴雨, en: Rain}
source: {number: X 1, title: 标准, place: 表1, read: a page}
from: 2020-01-01
until: 2020-12-31
unit: mm
columns: [hours, mm]
levels: {blue: 1, red: 4}
rows:
  - {id: blue, values: [12, 50], verified: true}
  - {id: red, values: [3, 100], verified: false, note: one page}
"""


def test_every_family_that_a_model_reads_is_shipped_and_every_row_that_is_not_verified_says_why() -> None:
    library = load()
    assert {family for model in MODELS.values() for family in model.families} == set(library.standards)
    silent = [
        f"{document.id}: {row.id}"
        for document in library.documents
        for row in document.rows
        if not row.verified and not row.note
    ]
    assert silent == []
    assert all(document.name.zh and document.name.en for document in library.documents)


def test_a_day_begins_at_midnight_in_china_and_the_last_one_counts_in_full() -> None:
    table = read(GOOD).table()
    assert datetime.fromtimestamp(table.since / 1000, UTC).isoformat() == "2019-12-31T16:00:00+00:00"
    assert datetime.fromtimestamp(table.until / 1000, UTC).isoformat() == "2020-12-31T16:00:00+00:00"
    assert day_ms(date(1970, 1, 1)) == -8 * 3_600_000


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("until: 2020-12-31", "until: 2019-12-31", "until: expected a day after"),
        ("values: [12, 50]", "values: [12]", "rows: blue: expected 2 values, one a column, got 1"),
        ("values: [12, 50]", "values: [12, fifty]", r"Expected `float \| null`, got `str` - at `\$\.rows\[0\]"),
        ("values: [12, 50]", "values: [7, 50]", "expected hours among 1, 3, 6, 12, 24"),
        ("{id: red,", "{id: purple,", "purple: expected a signal"),
        ("columns: [hours, mm]", "columns: [hours, amount]", "columns: expected 'mm' among hours, amount"),
        ("family: rain.national", "family: rain.nationl", "family: expected one that a model reads"),
        ("{blue: 1, red: 4}", "{blue: 4, red: 1}", "levels: expected 0 to 4, never lower for a worse grade"),
        ("{blue: 1, red: 4}", "{bleu: 1}", "levels: bleu: expected a grade of rain"),
        ("read: a page", "read: ''", "source: expected number, title, place and where it was read"),
        ("unit: mm", "units: mm", "unknown field `units`"),
        ("verified: true", "verifed: true", "unknown field `verifed`"),
        ("id: red, values", "id: blue, values", "expected each row and column once"),
        ("rows:", "rows: [", "f.yaml: "),
    ],
)
def test_a_wrong_table_is_told_what_was_expected(was: str, now: str, says: str) -> None:
    with pytest.raises(StandardError, match=says):
        read(GOOD.replace(was, now), "f.yaml")


def test_two_editions_of_one_day_or_one_id_twice_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(StandardError, match=r"b\.yaml: id: 'rain-x' is there already"):
        load(tmp_path)
    (tmp_path / "b.yaml").write_text(GOOD.replace("rain-x", "rain-y"), encoding="utf-8")
    with pytest.raises(StandardError, match="still in force"):
        load(tmp_path)


def test_the_worked_cases_hold_and_a_table_with_a_wrong_number_does_not_pass_them() -> None:
    result = bench.run(1, None)
    assert result.ok
    assert result.figures["wrong"] == 0
    library = load()
    file = bench.read(bench.FOLDER / "water.yaml")
    (table,) = library.standards["water"].tables
    table.values[table.rows.index("DO"), 2] = 5.05
    assert bench.differences(library, file, np.arange(len(file.cases)))


def test_a_file_of_cases_that_asks_for_what_no_model_answers_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    for text, says in (
        ("{model: aqi, source: s, by: b, at: 2025-06-01, cases: [{want: {valeu: 1}}]}", "case 1: want: valeu"),
        ("{model: aqui, source: s, by: b, at: 2025-06-01, cases: []}", "model: expected one of aqi"),
        ("{model: aqi, by: b, at: 2025-06-01, cases: []}", "required field `source`"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=rf"c\.yaml: .*{says}"):
            bench.run(1, tmp_path)


@pytest.mark.long
def test_no_number_of_a_table_can_move_by_two_per_cent_unnoticed_by_the_worked_cases() -> None:
    """Whole numbers that are compared with whole numbers (forces, persons, devices) may; so may what nobody reads."""
    library = load()
    files = [bench.read(path) for path in sorted(bench.FOLDER.glob("*.yaml"))]
    moved = unnoticed = 0
    for family in ("aqi", "water", "rain.national", "gas.alarm", "flood.river", "crowd.walkway", "kitchen.fume"):
        (table,) = library.standards[family].tables
        users = [file for file in files if family in MODELS[file.model].families]
        for r, c in zip(*np.nonzero(table.values > 0), strict=True):  # NaN and the zeros at the bottom are no limits
            if table.columns[c] == "hours":
                continue
            was = table.values[r, c]
            table.values[r, c] = was * 1.02
            changed = Library(library.documents, {**library.standards, family: Standard(family, [table])})
            moved += 1
            unnoticed += not any(bench.differences(changed, file, np.arange(len(file.cases))) for file in users)
            table.values[r, c] = was
    assert moved > 200
    assert unnoticed <= 5


def test_a_person_can_ask_what_is_in_force_and_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standards_command, "console", Console(width=300))
    ask = CliRunner()
    listed = ask.invoke(app, ["standards", "list", "--at", "2026-03-01", "--lang", "en"])
    lines = listed.output.splitlines()
    assert "●" not in next(line for line in lines if "hj633-2012" in line)
    assert "●" in next(line for line in lines if "gb3838-2002" in line)
    shown = ask.invoke(app, ["standards", "show", "rain-guangdong-2019"])
    assert "暴雨预警信号（广东）" in shown.output
    said = ask.invoke(app, ["standards", "judge", "aqi", "PM25_24h=75.1", "--at", "2026-02-28", "--lang", "en"])
    assert "value: 101" in said.output
    assert "primary: PM25_24h" in said.output
    later = ask.invoke(app, ["standards", "judge", "aqi", "PM25_24h=75.1", "--at", "2026-02-28T16:00Z"])
    assert "no_table_in_force" in later.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "hj634"], "no table 'hj634'"),
        (["judge", "aqui", "a=1"], "no model 'aqui'"),
        (["judge", "rain", "mm_3h"], "expected name=value"),
        (["judge", "rain", "mm_3h=much"], "mm_3h: expected a number, got 'much'"),
        (["judge", "rain", "mm_3=5"], "did you mean 'mm_3h'?"),
        (["list", "--at", "2026-02-28T16:00"], "expected a day or a time with offset"),
    ],
)
def test_a_wrong_question_is_answered_with_what_was_expected(arguments: list[str], says: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(GOOD, encoding="utf-8")
    asked = CliRunner().invoke(app, ["standards", *arguments, "--folder", str(tmp_path), "--lang", "en"])
    assert asked.exit_code == 2
    assert says in asked.output


def test_the_shipped_folder_is_the_one_of_the_checkout() -> None:
    assert (FOLDER / "hj633-2012.yaml").is_file()


def test_every_model_has_a_section_that_says_when_it_does_not_work() -> None:
    page = (FOLDER.parents[1] / "docs" / "standards.md").read_text(encoding="utf-8")
    sections = {line: body for line, _, body in (part.partition("\n") for part in page.split("\n## "))}
    for name, model in MODELS.items():
        body = next(text for heading, text in sections.items() if name in heading.replace(",", "").split())
        assert "Does not work" in body, name
        assert ("Experimental" in body) == model.experimental, name
        assert any("Does not work" in " ".join((kind.__doc__ or "").split()) for kind in type(model).__mro__), name


def test_the_page_lists_the_shipped_tables_as_they_are() -> None:
    """On a difference, the lines printed are those that belong into docs/standards.md."""
    page = (FOLDER.parents[1] / "docs" / "standards.md").read_text(encoding="utf-8")
    lines = []
    for document in load().documents:
        doubted = [row.id for row in document.rows if not row.verified]
        days = f"{document.first or 'always'} | {document.last or 'open'}"
        lines.append(f"| {document.id} | {document.source.number} | {days} | {', '.join(doubted)} |")
    print("\n".join(lines))
    assert "\n".join(lines) in page
