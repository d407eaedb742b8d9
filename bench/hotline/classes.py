"""Classes: ours beside the baseline and the majority, on the same folds.

What sees what. Grams and their weights: the unlabelled messages only, once. Descriptions of the classes: the taxonomy,
no message. Second round: unlabelled messages, chosen by a machine that saw the training fold alone. The test fold is
seen by nobody. The baseline fits its own grams on the training fold, as its definition says, and
reads texts that are not masked; ours reads what production reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from bench.harness import Figure
from bench.hotline.data import raw_texts
from brain.hotline import Row, read_rows, read_taxonomy
from models.text.classify import ClassifierSettings, leads, represent, teach, train
from models.text.grams import Grams, Space

I8 = NDArray[np.int64]
SEEDS = tuple(range(10))
FOLDS = 5


@dataclass(frozen=True)
class Compared:
    """Pooled predictions of every seed by model, and the truth."""

    classes: list[str]
    y: I8
    predicted: dict[str, list[I8]]

    def macro(self, model: str) -> NDArray[np.float64]:
        """(seeds,) macro-F1 of the pooled predictions."""
        return np.array([f1_score(self.y, p, average="macro", zero_division=0.0) for p in self.predicted[model]])

    def rows(self) -> list[dict[str, Figure]]:
        """Mean and spread of each model, then F1 per class."""
        table: list[dict[str, Figure]] = []
        for model in self.predicted:
            scores = self.macro(model)
            table.append({"what": f"macro-F1, {model}", "mean": round(float(scores.mean()), 4),
                          "sd": round(float(scores.std()), 4), "least": round(float(scores.min()), 4),
                          "most": round(float(scores.max()), 4)})  # fmt: skip
        for k, name in enumerate(self.classes):
            line: dict[str, Figure] = {"what": f"F1 {name}", "n": int(np.count_nonzero(self.y == k))}
            for model, folds in self.predicted.items():
                each = [f1_score(self.y, p, labels=[k], average=None, zero_division=0.0)[0] for p in folds]
                line[model] = round(float(np.mean(each)), 3)
            table.append(line)
        return table


def compare(folder: Path, seed: int, seeds: Sequence[int] = SEEDS) -> Compared:
    """Folds of ``seeds``; another ``seed`` than 1 shifts them all, so that acceptance uses other folds."""
    s = ClassifierSettings()
    rows = [r for r in read_rows(folder / "labelled_sample.csv.gz") if r.label]
    free_texts = _pairs(read_rows(folder / "unlabelled_2801.csv.gz"))
    texts = _pairs(rows)
    names, y = np.unique(np.array([r.label for r in rows]), return_inverse=True)
    space = Space.fit(Grams(), [f"{a}\n{b[: s.limit]}" for a, b in free_texts], s.least)
    x, free = represent(space, texts, s.limit), represent(space, free_texts, s.limit)
    number = {name: k for k, name in enumerate(names)}
    told = [(number[n], f"{n} {words}") for n, words in read_taxonomy(folder / "taxonomy_3level.csv") if n in number]
    extra, extra_y = space.rows([w for _, w in told]), np.array([k for k, _ in told], np.int64)
    whole = np.array(raw_texts(folder / "labelled_sample.csv.gz"), dtype=object)
    out: dict[str, list[I8]] = {"ours": [], "ours, no taxonomy": [], "baseline": [], "majority": []}
    for fold_seed in seeds:
        pooled = {model: np.zeros(len(y), np.int64) for model in out}
        cut = StratifiedKFold(FOLDS, shuffle=True, random_state=fold_seed + 100 * (seed - 1))
        for fit, test in cut.split(y, y):
            ours = teach(x[fit], y[fit], extra, extra_y, free, s)
            pooled["ours"][test] = leads(ours.decision_function(x[test]))[0]
            bare = teach(x[fit], y[fit], extra[:0], extra_y[:0], free, s)
            pooled["ours, no taxonomy"][test] = leads(bare.decision_function(x[test]))[0]
            grams = TfidfVectorizer(analyzer="char", ngram_range=(1, 3))
            machine = LinearSVC(random_state=0).fit(grams.fit_transform(whole[fit]), y[fit])
            pooled["baseline"][test] = machine.predict(grams.transform(whole[test]))
            pooled["majority"][test] = np.bincount(y[fit]).argmax()
        for model, p in pooled.items():
            out[model].append(p)
    return Compared(names.tolist(), y, out)


def abstention(folder: Path, seed: int) -> list[dict[str, Figure]]:
    """The shipped path end to end on one held-out fifth per fold: what it answers, and how often that is right."""
    rows = [r for r in read_rows(folder / "labelled_sample.csv.gz") if r.label]
    free, told = read_rows(folder / "unlabelled_2801.csv.gz"), read_taxonomy(folder / "taxonomy_3level.csv")
    labels = np.array([r.label for r in rows])
    s = ClassifierSettings()
    space = Space.fit(Grams(), [f"{a}\n{b[: s.limit]}" for a, b in _pairs(free)], s.least)
    right, sure, stated = np.zeros(len(rows), bool), np.zeros(len(rows), bool), np.zeros(len(rows))
    for fit, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels):
        model = train(_pairs([rows[i] for i in fit]), labels[fit].tolist(), _pairs(free), told, s, space)
        verdicts = model.judge(_pairs([rows[i] for i in test]))
        right[test] = np.array(model.classes)[verdicts.number] == labels[test]
        sure[test], stated[test] = verdicts.sure, verdicts.probability
    parts = {
        "answered": sure.mean(), "right of these": right[sure].mean(), "right of the rest": right[~sure].mean(),
        "right of all": right.mean(), "mean stated probability": stated.mean(),
    }  # fmt: skip
    return [{"what": f"abstention: {name}", "mean": round(float(part), 3)} for name, part in parts.items()]


def _pairs(rows: Sequence[Row]) -> list[tuple[str, str]]:
    return [(r.title, r.text) for r in rows]
