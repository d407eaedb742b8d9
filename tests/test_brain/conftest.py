"""What any test of the brain meets: an error about what a person wrote has both languages, and an incident that was
written from pieces is what it is as a whole."""

from collections.abc import Iterator
from typing import Any

import pytest
from both_languages import trouble

from brain.incidents import publish, written
from brain.incidents.fold import Case
from brain.unfit import Unfit


@pytest.fixture(autouse=True)
def _said_in_both_languages(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Each fault that a test brings about is looked at: the tests of the tables bring about all of them.

    But those of files that are made at random: what a library says of any bytes at all nobody has translated.
    """
    if hasattr(request.function, "hypothesis"):
        yield
        return
    said: list[Unfit] = []
    made = Unfit.__init__

    def init(self: Unfit, where: object, what: str = "", /, **values: Any) -> None:
        made(self, where, what, **values)
        said.append(self)

    monkeypatch.setattr(Unfit, "__init__", init)
    yield
    for error in said:
        if error.what:
            zh, en = (error.text(language).removeprefix(f"{error.where}: ") for language in ("zh", "en"))
            assert not trouble(zh, en)


@pytest.fixture(autouse=True)
def _written_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever changes an incident says which of its kept bytes are no longer true: each test that does is asked."""
    wrong: list[tuple[bytes, bytes]] = []
    encode = written.encode

    def checked(case: Case) -> bytes:
        value = encode(case)
        whole = publish.encode(written.whole(case))
        if value != whole:
            wrong.append((value, whole))
        return value

    monkeypatch.setattr(written, "encode", checked)
    yield
    assert not wrong
