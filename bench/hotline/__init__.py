"""Hotline text against a public competition's messages: classes beside a baseline, hot issues one by one, speed.

``data`` is a folder as bench/hotline/data.py describes; without it, one beside or above the project is read. Where
there is none, all figures are null and the table says why: no licence allows to ship the messages. It reports and
never fails: there is no oracle for what a text means.
"""

from __future__ import annotations

from pathlib import Path

from bench.harness import Figure, Result, shared
from bench.hotline import classes, hot
from bench.hotline import data as messages
from brain.hotline import read_rows, read_taxonomy
from models.text.classify import ClassifierSettings, train
from models.text.topics import TopicSettings

FIGURES = ("macro_f1", "baseline_macro_f1", "gain", "hot_issues_found", "hot_issue_precision_min", "messages_per_s")


def run(seed: int, data: Path | None) -> Result:
    """Another seed cuts other folds; the hot issues come in their own order whatever it is."""
    folder = data or shared(messages.FOLDER)
    if folder is None:
        why = f"no data: expected {messages.FOLDER} beside or above the project, or DATA=<folder>"
        return Result([{"what": why}], dict.fromkeys(FIGURES), True, {"skipped": why})
    compared = classes.compare(folder, seed)
    ours, base = compared.macro("ours"), compared.macro("baseline")
    rows: list[dict[str, Figure]] = list(compared.rows())
    rows += classes.abstention(folder, seed)
    labelled = [r for r in read_rows(folder / "labelled_sample.csv.gz") if r.label]
    free = [(r.title, r.text) for r in read_rows(folder / "unlabelled_2801.csv.gz")]
    model = train(
        [(r.title, r.text) for r in labelled], [r.label for r in labelled], free,
        read_taxonomy(folder / "taxonomy_3level.csv"),
    )  # fmt: skip
    issues, speed = hot.stream(messages.messages(folder / "hot_issue_4326.csv.gz"), messages.issues(), model)
    rows += [issue.row() for issue in issues]
    found = [issue for issue in issues if issue.found]
    figures: dict[str, Figure] = {
        "macro_f1": round(float(ours.mean()), 4),
        "baseline_macro_f1": round(float(base.mean()), 4),
        "gain": round(float((ours - base).mean()), 4),
        "hot_issues_found": len(found),
        "hot_issue_precision_min": round(min(issue.precision for issue in found), 4) if found else None,
        "messages_per_s": round(speed),
    }
    settings = {"classifier": ClassifierSettings(), "topics": TopicSettings(), "seeds": classes.SEEDS}
    return Result(rows, figures, True, settings)
