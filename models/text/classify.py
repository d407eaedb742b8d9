"""Which class or department a text belongs to, and whether that is sure enough to act on.

A linear support vector machine over character n-grams. Three things make few labelled texts go far: the weights of the
grams come from all texts at hand, labelled or not; the classes' own descriptions (a taxonomy) are learned as texts of
low weight; and texts without a label that the first model is sure of are learned in a second round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from models.text.grams import Grams, Space

F8 = NDArray[np.float64]
I4 = NDArray[np.int32]
Texts = Sequence[tuple[str, str]]
"""(title, body) of each text; either may be empty."""


@dataclass(frozen=True, slots=True)
class ClassifierSettings:
    """How a classifier is trained.

    Parameters
    ----------
    limit : characters of a body that are read.
    least : texts in which a gram must occur.
    c : inverse strength of the regularisation.
    described : weight of a class's description beside a labelled text; 0 leaves descriptions out.
    taught : share of the unlabelled texts, the surest of each class, learned in the second round; 0: no second round.
    taught_weight : weight of such a text.
    abstain : probability of being right below which the answer is "unsure".
    folds : of the cross-fitting that calibrates the probability.
    """

    limit: int = 1500
    least: int = 3
    c: float = 1.0
    described: float = 1.0
    taught: float = 0.2
    taught_weight: float = 0.3
    abstain: float = 0.6
    folds: int = 5


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Columns, one row a text.

    ``number``: the likeliest class, as index of the classifier's classes; -1 where the text has nothing known in it.
    ``margin``: its lead over the second, in the machine's units. ``probability``: that it is right, NaN where number
    is -1. ``sure``: whether that reaches ``abstain``; an unsure row belongs before a person.
    """

    number: I4
    margin: F8
    probability: F8
    sure: NDArray[np.bool_]


@dataclass(frozen=True)
class Classifier:
    """A trained classifier.

    Does not work on texts of another kind than those it was trained on (short messages after long letters), knows no
    class it was not shown (such a text gets the nearest class, often with a small margin), and its probability is
    that of the labelled sample: where classes come in other shares, calibrate anew.
    """

    settings: ClassifierSettings
    classes: tuple[str, ...]
    space: Space
    machine: LinearSVC
    calibration: LogisticRegression

    def judge(self, texts: Texts) -> Verdicts:
        """Verdicts of a batch; no texts give empty columns."""
        if not len(texts):
            empty = np.zeros(0)
            return Verdicts(np.zeros(0, np.int32), empty, empty, np.zeros(0, np.bool_))
        rows = represent(self.space, texts, self.settings.limit)
        # Entry by entry, in the order of columns: no library may sum a row otherwise because of its neighbours.
        decision = rows @ self._lines + self.machine.intercept_
        number, margin = leads(decision[:, 0] if decision.shape[1] == 1 else decision)
        odds = margin * self.calibration.coef_[0, 0] + self.calibration.intercept_[0]
        probability = expit(odds)
        sure = odds >= logit(self.settings.abstain)
        unknown = np.diff(rows.indptr) == 0
        number[unknown], margin[unknown], probability[unknown] = -1, 0.0, np.nan
        return Verdicts(number, margin, probability, sure & ~unknown)

    @cached_property
    def _lines(self) -> F8:
        """(k, classes): turned once, and not at each call."""
        return np.ascontiguousarray(self.machine.coef_.T)


def train(
    texts: Texts, labels: Sequence[str], unlabelled: Texts = (), descriptions: Sequence[tuple[str, str]] = (),
    settings: ClassifierSettings | None = None, space: Space | None = None,
) -> Classifier:  # fmt: skip
    """A classifier from labelled texts; the same input always gives the same classifier.

    Parameters
    ----------
    texts, labels : one label a text; at least ``folds`` texts of each of at least two classes.
    unlabelled : texts of the same kind; they set the grams' weights and the surest are learned.
    descriptions : (class, words) pairs; those of classes that no text has are left out.
    space : grams and weights fitted before, in place of fitting them on ``unlabelled`` and ``texts``.

    Raises
    ------
    ValueError : columns of different length, one class only, or a class with too few texts.
    """
    s = settings or ClassifierSettings()
    if len(texts) != len(labels):
        raise ValueError(f"labels: expected {len(texts)}, one for each text, got {len(labels)}")
    classes, y, sizes = np.unique(np.array(labels, dtype=str), return_inverse=True, return_counts=True)
    if len(classes) < 2:
        raise ValueError(f"labels: expected at least two classes, got {', '.join(classes) or 'none'}")
    if sizes.min() < s.folds:
        few = classes[sizes.argmin()]
        raise ValueError(f"class {few}: expected at least {s.folds} texts to calibrate on, got {sizes.min()}")
    if space is None:
        space = Space.fit(Grams(), [f"{a}\n{b[: s.limit]}" for a, b in (*unlabelled, *texts)], s.least)
    rows = represent(space, texts, s.limit)
    free = represent(space, unlabelled, s.limit)
    known = {name: k for k, name in enumerate(classes)}
    told = [(known[name], f"{name} {words}") for name, words in descriptions if name in known]
    extra = space.rows([words for _, words in told])
    extra_y = np.array([k for k, _ in told], np.int64)
    margin, right = np.zeros(len(y)), np.zeros(len(y), np.int64)
    for fit, test in StratifiedKFold(s.folds, shuffle=True, random_state=0).split(y, y):
        machine = teach(rows[fit], y[fit], extra, extra_y, free, s)
        number, margin[test] = leads(machine.decision_function(rows[test]))
        right[test] = number == y[test]
    machine = teach(rows, y, extra, extra_y, free, s)
    # One example of each kind that weighs little: a sample answered all right, or all wrong, has a calibration too.
    calibration = LogisticRegression().fit(
        np.r_[margin, 0.0, margin.max()][:, None], np.r_[right, 0, 1], np.r_[np.ones(len(y)), 0.5, 0.5]
    )
    return Classifier(s, tuple(classes.tolist()), space, machine, calibration)


def represent(space: Space, texts: Texts, limit: int) -> sp.csr_matrix:
    """(texts, k): title and body weigh the same however long each is; rows of length 1, or all zeros."""
    apart = space.rows([*(a for a, _ in texts), *(b for _, b in texts)], limit)
    both = apart[: len(texts)] + apart[len(texts) :]
    both.sort_indices()
    squares = np.asarray(both.multiply(both).sum(axis=1)).ravel()
    scale = np.divide(1.0, np.sqrt(squares), out=np.zeros(len(squares)), where=squares > 0)
    out = sp.csr_matrix(sp.diags(scale.astype(np.float32)) @ both)
    out.sort_indices()  # else their order, and with it the last digit of every sum, depends on the texts beside it
    return out


def teach(
    rows: sp.csr_matrix, y: NDArray[np.int64], extra: sp.csr_matrix, extra_y: NDArray[np.int64], free: sp.csr_matrix,
    s: ClassifierSettings,
) -> LinearSVC:  # fmt: skip
    """The machine from labelled rows, described classes and, in a second round, the surest of the free rows."""
    x, target, weight = rows, y, np.ones(len(y))
    if s.described and len(extra_y):
        x, target = sp.vstack([x, extra]), np.r_[target, extra_y]
        weight = np.r_[weight, np.full(len(extra_y), s.described)]
    machine = _machine(s).fit(x, target, sample_weight=weight)
    take = int(s.taught * free.shape[0]) // len(np.unique(y))
    if not take:
        return machine
    number, margin = leads(machine.decision_function(free))
    sure = np.concatenate([_surest(number == k, margin, take) for k in range(int(number.max()) + 1)])
    x, target = sp.vstack([x, free[sure]]), np.r_[target, machine.classes_[number[sure]]]
    return _machine(s).fit(x, target, sample_weight=np.r_[weight, np.full(len(sure), s.taught_weight)])


def leads(decision: F8) -> tuple[I4, F8]:
    """Highest class of each row and its lead over the second. Two classes come as one column."""
    if decision.ndim == 1:
        decision = np.stack([-decision, decision], axis=1)
    order = np.sort(decision, axis=1)
    return decision.argmax(axis=1).astype(np.int32), order[:, -1] - order[:, -2]


def _surest(mine: NDArray[np.bool_], margin: F8, take: int) -> NDArray[np.int64]:
    rows = np.flatnonzero(mine)
    return rows[np.argsort(-margin[rows], kind="stable")[:take]]


def _machine(s: ClassifierSettings) -> LinearSVC:
    return LinearSVC(C=s.c, class_weight="balanced", random_state=0)
