"""The clients, the clock and the threads: what every function stands on."""

import time

import pytest

from runtime import clock
from runtime.batches import in_parallel
from runtime.clients import _DATA, _SEND, data_client, send_client
from runtime.handlers import _sender, normalize_events
from runtime.store import ConflictError


def test_a_read_or_write_is_repeated_once_and_a_send_is_not() -> None:
    # Members and not the whole: botocore adds its own when it makes a client.
    assert (_DATA.retries["total_max_attempts"], _DATA.retries["mode"]) == (2, "standard")
    assert _SEND.retries["total_max_attempts"] == 1


def test_each_client_is_made_once_and_has_a_connection_for_every_thread(world) -> None:
    data, send = data_client("dynamodb"), send_client("sesv2")
    assert data is data_client("dynamodb")
    assert send is send_client("sesv2")
    most = max(
        _sender.sender().settings.send_concurrency, normalize_events.settings().write_concurrency
    )
    assert most > 1
    for client in (data, send):
        assert client.meta.config.max_pool_connections >= most


def test_the_clock_is_in_milliseconds() -> None:
    assert clock.now() == pytest.approx(1000 * time.time(), abs=5_000)
    assert isinstance(clock.now(), int)


def test_all_calls_are_over_when_one_of_them_has_failed() -> None:
    over = []

    def call(number: int) -> None:
        if number == 0:
            raise ConflictError
        time.sleep(0.05)
        over.append(number)

    with pytest.raises(ConflictError):
        in_parallel("test", call, range(6), concurrency=3)
    assert sorted(over) == [1, 2, 3, 4, 5]
