"""A trained classifier as a file: skops, not pickle, so that reading one never runs what is in it."""

from __future__ import annotations

import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from models.text.classify import Classifier, ClassifierSettings
from models.text.grams import Grams, Space

FORMAT = 1
TRUSTED: tuple[str, ...] = ()
"""Types beyond those that skops itself trusts (numpy arrays, scikit-learn estimators): a model needs none."""


class NotAModel(ValueError):
    """The file is no model of ours, of another format, or holds a type that is not trusted."""


def save(model: Classifier, path: Path) -> None:
    """Write the model. A file that is there is replaced only once the new one is whole."""
    parts: dict[str, Any] = {
        "format": FORMAT,
        "settings": asdict(model.settings),
        "classes": list(model.classes),
        "grams": {"low": model.space.grams.low, "high": model.space.grams.high, "bits": model.space.grams.bits},
        "kept": model.space.kept,
        "idf": model.space.idf,
        "machine": model.machine,
        "calibration": model.calibration,
    }
    whole = path.with_name(path.name + ".part")
    skops.io.dump(parts, whole, compression=zipfile.ZIP_DEFLATED)
    whole.replace(path)


def load(path: Path) -> Classifier:
    """The model of a file. Raises NotAModel with what was found, FileNotFoundError where there is none."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such model; `brain hotline train DATA --out {path}` makes one")
    return loads(path.read_bytes(), str(path))


def loads(data: bytes, path: str) -> Classifier:
    """The model of a file's bytes; ``path`` begins every error. Raises NotAModel."""
    try:
        foreign = sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED))
        if foreign:
            raise NotAModel(f"{path}: holds types that a model never has: {', '.join(foreign)}")
        parts = skops.io.loads(data, trusted=list(TRUSTED))
    except (zipfile.BadZipFile, KeyError, TypeError, EOFError) as error:
        raise NotAModel(f"{path}: expected a model written by `brain hotline train`, got {error}") from None
    if not isinstance(parts, dict) or parts.get("format") != FORMAT:
        found = parts.get("format") if isinstance(parts, dict) else type(parts).__name__
        raise NotAModel(f"{path}: expected a model of format {FORMAT}, got {found}; train it anew")
    try:
        model = Classifier(
            ClassifierSettings(**parts["settings"]), tuple(parts["classes"]),
            Space(Grams(**parts["grams"]), parts["kept"], parts["idf"]), parts["machine"], parts["calibration"],
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise NotAModel(f"{path}: expected the parts of a model, got {error}") from None
    _check(model, path)
    return model


def _check(model: Classifier, path: str) -> None:
    """The parts fit each other: a file cut together by hand is refused here, not in the middle of a stream."""
    kinds = {"machine": LinearSVC, "calibration": LogisticRegression}
    wrong = [name for name, kind in kinds.items() if type(getattr(model, name)) is not kind]
    wrong += [name for name in ("kept", "idf") if type(getattr(model.space, name)) is not np.ndarray]
    if wrong:
        raise NotAModel(f"{path}: expected the parts of a model, got another kind of {', '.join(wrong)}")
    kept, idf = model.space.kept, model.space.idf
    lines = 1 if len(model.classes) == 2 else len(model.classes)
    fits = (
        kept.shape == idf.shape == (model.machine.coef_.shape[1],)
        and model.machine.coef_.shape[0] == lines
        and bool(len(kept) == 0 or 0 <= kept.min() <= kept.max() < 1 << model.space.grams.bits)
    )
    if not fits:
        raise NotAModel(f"{path}: the parts of this model do not fit each other; train it anew")
