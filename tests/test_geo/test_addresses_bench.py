"""The noisy set keeps what it promises, and the matcher its triple, at a small size."""

from collections import Counter

import pytest

from bench.addresses.library import CITY, Library, library
from bench.addresses.texts import Noisy, noisy
from geo.addresses import AddressBook, AddressMatcher

SIZE, TEXTS = 8000, 1000


@pytest.fixture(scope="module")
def small() -> tuple[Library, Noisy]:
    made = library(3, SIZE)
    return made, noisy(made, 3, TEXTS)


def test_the_noisy_set_has_the_shares_it_says(small: tuple[Library, Noisy]) -> None:
    made, texts = small
    kinds = Counter(kind for text in texts.texts for kind in text.kinds)
    assert len(made) == SIZE
    assert kinds["not here"] == TEXTS // 10
    assert kinds["parts missing"] >= TEXTS // 2
    assert kinds["wrong character in name"] + kinds["wrong character in area"] >= 0.35 * TEXTS
    assert min(kinds["Chinese numerals"], kinds["talk around it"], kinds["other city"]) > 0
    assert all((text.row < 0) == ("not here" in text.kinds) for text in texts.texts)
    again = noisy(library(3, SIZE), 3, TEXTS)
    assert again.texts == texts.texts
    assert noisy(made, 4, TEXTS).texts != texts.texts


def test_few_answers_are_wrong_where_most_are_right(small: tuple[Library, Noisy]) -> None:
    made, texts = small
    book = AddressBook.of({**made.columns, "lon": made.lon, "lat": made.lat}, CITY)
    rows = AddressMatcher(book).match([text.text for text in texts.texts]).row.tolist()
    right = sum(row == text.row for row, text in zip(rows, texts.texts, strict=True))
    abstained = sum(row < 0 <= text.row for row, text in zip(rows, texts.texts, strict=True))
    assert right >= 0.8 * TEXTS
    assert TEXTS - right - abstained <= 0.02 * TEXTS
