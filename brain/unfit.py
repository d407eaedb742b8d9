"""Errors about what a person wrote in a set, for people in two languages.

An error is a text with places in braces, the values for them, and where it is. The English text stands where the error
is raised; the Chinese one is found by it in :mod:`brain.chinese`, and a test looks whether each has one.
"""

from __future__ import annotations

from brain.chinese import CHINESE
from brain.chinese.below import chinese
from brain.near import Both
from geo.findings import CODES, SHOWN, Finding, MapError


class Unfit(ValueError):
    """``where: what``; as text in English, as always. ``where``: the file and the place in it, as far as is known.

    ``values`` fill what stands in braces; one that is :class:`Both` has a text for each language.
    """

    def __init__(self, where: object, what: str = "", /, **values: object) -> None:
        super().__init__(str(where), what)
        self.where, self.what, self.values = str(where), what, values

    def __str__(self) -> str:
        return self.text("en")

    def text(self, language: str) -> str:
        """With its place. Chinese for any language but ``en``."""
        form = self.what if language == "en" else CHINESE.get(self.what, self.what)
        values = {name: _pick(value, language) for name, value in self.values.items()}
        return ": ".join(part for part in (self.where, form.format_map(values)) if part)


def _pick(value: object, language: str) -> object:
    """A value in a language, where it differs by it."""
    return getattr(value, "en" if language == "en" else "zh") if isinstance(value, Both) else value


def both(error: BaseException) -> Both:
    """What an error says, in both languages: one of ours, a map's, or one of those who know no Chinese."""
    if isinstance(error, Unfit):
        return Both(error.text("zh"), str(error))
    if isinstance(error, MapError) and not (len(error.findings) == 1 and str(error) == error.findings[0].says):
        lines = [f"{one.where}: {_map(one)}" for one in error.findings[:SHOWN]]
        more = len(error.findings) - len(lines)
        return Both("\n".join([*lines, f"另有 {more} 条"] if more > 0 else lines), str(error))
    return Both(chinese(str(error)), str(error))


def _map(one: Finding) -> str:
    """A map's finding in Chinese; some of its values are words of those below."""
    if not one.code:
        return chinese(one.says)
    words = {name for name in ("why", "got", "what") if isinstance(one.values.get(name), str)}
    values = {name: chinese(value) if name in words else value for name, value in one.values.items()}
    if "kinds" in values:
        values["kinds"] = values["kinds"].replace(" or ", " 或 ")
    return CODES[one.code].zh.format(**values)
