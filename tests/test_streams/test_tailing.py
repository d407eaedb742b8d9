"""Reading along where there is nothing to read from."""

from __future__ import annotations

import pytest

from streams.log import LogError
from streams.tailing import follow


@pytest.mark.parametrize("address", ["127.0.0.1:9", "127.0.0.1", "no port:x"])
def test_without_a_broker_the_error_names_the_address_at_once(address: str) -> None:
    with pytest.raises(LogError, match=f"no Kafka answers at {address}"):
        list(follow(address, ["x"], until_end=True))
