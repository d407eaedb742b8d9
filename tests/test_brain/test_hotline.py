"""Hotline text as a whole: training from a file, judging, and no issue's name in what ships."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import bench.hotline
from bench.harness import shared
from bench.hotline import data as truth
from bench.hotline.hot import stream
from brain.cli import app
from brain.hotline import HotlineText, WordsError, read_rows, read_taxonomy, shipped_text

ROOT = Path(__file__).resolve().parents[2]
ABOUT = {"交通": ("路灯坏了", "公交晚点"), "教育": ("学校收费", "老师补课")}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["分类", "标题", "正文"])
        for n, place in enumerate("东南西北中河湖山"):
            writer.writerows([k, w, f"{place}{n}{w}，电话1381234567{n}"] for k, words in ABOUT.items() for w in words)
        writer.writerow(["", "没有类别", "也可以用来学"])
    return path


def test_a_model_is_trained_from_a_file_and_judges_masked_texts(data: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.skops"
    run = CliRunner()
    done = run.invoke(app, ["hotline", "train", str(data), "--out", str(model)])
    assert done.exit_code == 0, done.output
    said = run.invoke(app, ["hotline", "judge", str(model), "A市幸福路路灯坏了，着火了，电话13812345678"])
    line = json.loads(said.stdout.splitlines()[-1])
    assert (line["class"], line["place"], line["urgency"]) == ("交通", "幸福路", 3)
    assert "13812345678" not in said.stdout


def test_a_training_file_is_masked_as_it_is_read_and_a_wrong_one_is_named(data: Path, tmp_path: Path) -> None:
    rows = read_rows(data)
    assert all("1381234567" not in r.text for r in rows)
    assert [r.label for r in rows if not r.label] == [""]
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(WordsError, match=r"wrong\.csv: expected a column named text .*got a, b"):
        read_rows(wrong)
    with pytest.raises(WordsError, match=r"wrong\.csv:2: expected columns class, group, words"):
        read_taxonomy(wrong)
    wrong.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WordsError, match="UTF-8"):
        read_rows(wrong)
    failed = CliRunner().invoke(app, ["hotline", "train", str(tmp_path / "gone.csv"), "--out", str(tmp_path / "m")])
    assert failed.exit_code == 2


def test_all_columns_come_for_every_ticket_without_a_model_too() -> None:
    titles = ["甲市和平小区着火", "没有火灾，谢谢及时解决，点赞"]
    read = shipped_text().read(titles, ["", ""])
    assert read.category == ["", ""]
    assert read.urgency.tolist() == [3, 0]
    assert read.mood[1] == 1.0
    assert read.where[0].place == "和平小区"
    assert len(shipped_text().read([], []).where) == 0


def test_a_sets_own_words_stand_in_for_the_shipped_ones_and_a_wrong_file_is_named() -> None:
    own = HotlineText.of({"text/lexicon.yaml": "kinds: {life: [龙吸水]}".encode()})
    assert own.read(["龙吸水"], [""]).urgency.tolist() == [3]
    assert shipped_text().read(["龙吸水"], [""]).urgency.tolist() == [0]
    assert own.content != shipped_text().content
    for name, text, says in (
        ("place.yaml", "regions: 市", r"text/place\.yaml: place\.regions: expected a list of words"),
        ("lexicon.yaml", "- a", r"text/lexicon\.yaml: Expected `object`"),
        ("classes.skops", "not a model", r"text/classes\.skops: expected a model"),
    ):
        with pytest.raises(ValueError, match=says):
            HotlineText.of({f"text/{name}": text.encode()})


def test_no_name_of_a_known_issue_is_in_what_ships() -> None:
    words = [word for issue in truth.issues() for word in issue.words]
    assert len(words) >= 5
    files = [p for room in ("brain", "models", "config", "streams", "geo") for p in (ROOT / room).rglob("*")]
    shipped = [p for p in files if p.suffix in {".py", ".yaml", ".json", ".csv", ".ndjson", ".geojson"}]
    assert len(shipped) > 50
    assert [(p.name, w) for p in shipped for w in words if w in p.read_text(encoding="utf-8")] == []


def test_the_truth_on_issues_is_numbers_and_no_message_has_two() -> None:
    ids = [number for issue in truth.issues() for number in issue.ids]
    assert all(number.isdecimal() for number in ids)
    assert len(ids) == len(set(ids))


def test_without_the_data_every_figure_is_null_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.hotline, "shared", lambda _: None)
    result = bench.hotline.run(1, None)
    assert result.ok
    assert dict(result.figures) == dict.fromkeys(bench.hotline.FIGURES)
    assert "DATA=" in str(result.rows[0]["what"])


@pytest.mark.long
def test_the_public_issues_are_found_early_and_pure() -> None:
    folder = shared(truth.FOLDER)
    if folder is None:
        pytest.skip(f"no {truth.FOLDER} beside or above the project: its licence allows no copy")
    labelled = read_rows(folder / "labelled_sample.csv.gz")
    from models.text.classify import ClassifierSettings, train

    texts = [(r.title, r.text[:200]) for r in labelled]
    model = train(texts, [r.label for r in labelled], settings=ClassifierSettings(taught=0.0))
    found, _ = stream(truth.messages(folder / "hot_issue_4326.csv.gz"), truth.issues(), model)
    assert sum(issue.found for issue in found) >= 4
