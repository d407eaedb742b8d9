"""Major hazard installations 危险化学品重大危险源 of GB 18218: are they one, and of which level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.standards.model import Answer, Grades, Input, Reads, Reason, RiskModel, TextInput, ladder, reasons
from models.standards.table import F8, Table


@dataclass(frozen=True, slots=True)
class MajorHazard(RiskModel):
    """S = sum(q/Q) says whether a unit is a major hazard; R = alpha sum(beta q/Q) of which level, one is the worst.

    Columns are the rows of the table of critical quantities, in tonnes present (design maximum), and ``persons``
    resident within 500 m of the works' border. ``value`` is R, ``s`` the sum; R has a level only where S >= 1.

    Substances that Table 1 does not name go under the row of their hazard category (``W5.3``, ``J2`` ...). Does not
    work without knowing that category: what is left out makes S and R too small. Where a named substance has no beta
    in the table, because it goes by a category that depends on the process, 1 is taken, the least there is, and the
    answer is ``incomplete``. Source: GB 18218-2018, 4.2, 4.3 and Tables 1 to 6.
    """

    name: ClassVar[str] = "major_hazard"
    families: ClassVar[tuple[str, ...]] = ("hazard.quantity", "hazard.alpha", "hazard.level")
    reads: ClassVar[Mapping[str, Reads]] = {
        "hazard.quantity": Reads(("critical_t", "beta")),
        "hazard.alpha": Reads(("from_persons", "alpha"), rising=("from_persons",)),
        "hazard.level": Reads(("from_r",), rising=("from_r",)),
    }
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {"persons": Input("persons", "within 500 m of the border")}
    listed: ClassVar[Input | None] = Input("t", "tonnes present", optional=True)
    grades: ClassVar[tuple[str, ...]] = ("none", "four", "three", "two", "one")
    more: ClassVar[Mapping[str, str]] = {"s": "1"}

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table = tables["hazard.quantity"]
        present = np.stack([columns[row] for row in table.rows], axis=1)
        share = np.where(np.isnan(present), 0.0, present) / table.column("critical_t")
        listed = table.column("beta")
        beta = np.where(np.isnan(listed), 1.0, listed)
        alphas = tables["hazard.alpha"]
        step = ladder(columns["persons"], alphas.column("from_persons")) - 1
        alpha = alphas.column("alpha")[step]
        s, r = share.sum(axis=1), alpha * (share * beta).sum(axis=1)
        trusted = share * table.verified
        s_sure, r_sure = trusted.sum(axis=1), alpha * (trusted * beta).sum(axis=1)
        bounds = tables["hazard.level"].column("from_r")
        reason = reasons(len(r))
        reason[(share[:, np.isnan(listed)] > 0).any(axis=1)] = Reason.incomplete
        return Answer(r, _level(s, r, bounds), _level(s_sure, r_sure, bounds), reason, {"s": s})


def _level(s: F8, r: F8, bounds: F8) -> Grades:
    # A sum of tenths that is 1 by hand must be 1 here.
    return np.where(s >= 1 - 1e-12, ladder(r + 1e-9, bounds), 0).astype(np.int8)
