"""Each alarm is provoked once: what it watches goes over its threshold when that goes wrong.

What only AWS can do (throttle a function, put a failed batch aside) is its own metric and queue;
that the alarm names the right one is checked in tests/infra/test_observability.py.
"""

import json
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from infra.alarms import ALARMS
from runtime.handlers import (
    message_api,
    normalize_events,
    relay_events,
    send_fallback,
    send_primary,
)
from runtime.settings import SettingsError
from tests.faults.faults import Fault
from tests.faults.scenarios import chain
from tests.faults.world import START, World, forget_clients, in_memory
from tests.runtime.conftest import CONTEXT
from tests.support.requests import request

BY_AWS_ALONE = {
    "stream-failures-not-empty",
    *(alarm.noun for alarm in ALARMS if alarm.metric == "Throttles"),
}
HANDLERS = {
    "message-api": message_api.handler,
    "send-primary": send_primary.handler,
    "send-fallback": send_fallback.handler,
    "relay-events": relay_events.handler,
    "normalize-events": normalize_events.handler,
}


QUEUES = ("intake", "timers", "events")
PROVOKED: set[str] = set()
Test = TypeVar("Test", bound=Callable[..., None])


class EveryCall(dict):
    """The same fault at every call from now on."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self._fault = fault

    def get(self, *_: object) -> Fault:
        return self._fault


@pytest.fixture
def begin() -> Iterator[Callable[..., World]]:
    with in_memory() as begin:
        yield begin


def provokes(*nouns: str) -> Callable[[Test], Test]:
    """Note which alarms a test is for."""
    PROVOKED.update(nouns)
    return lambda test: test


def threshold(noun: str) -> int:
    return next(alarm.threshold for alarm in ALARMS if alarm.noun == noun)


@provokes(
    *(f"{queue}-age" for queue in QUEUES),
    *(f"{queue}-dead-letters-not-empty" for queue in QUEUES),
)
@pytest.mark.parametrize("queue", QUEUES)
def test_a_function_that_always_dies_makes_its_queue_old_then_dead_letters(begin, queue) -> None:
    world = begin()
    if queue == "events":
        world.put(queue, json.dumps({"eventType": "TEXT_SENT"}), world.now)
    else:
        # So long that the timer hops, and waits for 900 s on its queue without any trouble.
        world.submit(chain("email", "sms", fallback_seconds=2_000), "key")
    if queue == "timers":
        world.run(until=START)
        world.queues["events"].clear()
    # It was put there just now.
    (oldest,) = world.queues[queue]
    world.calls.faults = EveryCall(Fault.CRASH_BEFORE)
    world.run(until=START + 1_000 * threshold(f"{queue}-age") + 1)
    assert world.queues[queue] == [oldest]
    world.run()
    assert not world.queues[queue]
    assert len(world.dead_letters) > threshold(f"{queue}-dead-letters-not-empty")


def test_a_timer_of_a_healthy_chain_is_never_too_old(begin) -> None:
    world = begin()
    world.submit(chain("email", "sms", fallback_seconds=2_000), "key")
    world.run(until=START)
    first = world.queues["timers"][0]
    world.run(until=START + 1_000 * threshold("timers-age"))
    assert world.queues["timers"]
    assert first not in world.queues["timers"]


@provokes("iterator-age")
def test_a_normalizer_that_always_dies_falls_behind(begin) -> None:
    world = begin()
    arrivals = {}

    def put(data: bytes) -> None:
        records = [{"Data": data, "PartitionKey": "k"}]
        (answer,) = world.kinesis.put_records("events", records)["Records"]
        arrivals[answer["SequenceNumber"]] = world.now

    def age() -> int:
        """Return how old the oldest record is that the checkpoint has not passed."""
        return world.now - arrivals[world.stream()[world.checkpoint]["SequenceNumber"]]

    put(b"{}")
    world.run(until=START)
    assert not world.stream_pending
    world.calls.faults = EveryCall(Fault.CRASH_BEFORE)
    put(b"poison")
    world.run(until=START + 30_000)
    put(b"{}")
    world.run(until=START + 61_000)
    assert age() > threshold("iterator-age")


@provokes("quarantine-not-empty")
def test_an_unreadable_record_fills_the_quarantine(begin) -> None:
    world = begin()
    world.put("events", "unreadable", world.now)
    world.run()
    assert len(world.queues["quarantine"]) > threshold("quarantine-not-empty")


@provokes("api-errors")
def test_a_table_that_refuses_is_a_server_error(begin) -> None:
    world = begin(faults=EveryCall(Fault.REFUSED))
    answer = world.http("POST", "/messages", request(), "key")
    assert answer is not None
    assert answer.status == 503


@provokes(*(f"{function}-errors" for function in HANDLERS))
@pytest.mark.parametrize("function", HANDLERS)
def test_a_function_without_its_settings_has_errors(begin, monkeypatch, function) -> None:
    world = begin()
    for name in ("MESSAGES_TABLE", "EVENT_STREAM_NAME"):
        monkeypatch.delenv(name)
    forget_clients()
    event = {"Records": [{"messageId": "1", "body": "{}"}]}
    if function == "message-api":
        with pytest.raises(SettingsError):
            world.http("POST", "/messages", request(), "key")
        return
    with pytest.raises(SettingsError):
        HANDLERS[function](event, CONTEXT)


def test_the_fallback_rate_is_of_metrics_that_are_counted(world, capsys) -> None:
    message_id = world.accept(request())
    world.start(message_id)
    world.now += 60_000
    world.fire(*(timer["body"] for timer in world.queued("timers")))
    printed = capsys.readouterr().out
    assert '"MessagesAccepted":[1.0]' in printed
    assert '"reason":"timeout","Fallbacks":[1.0]' in printed


def test_every_alarm_is_provoked_here_or_by_aws_alone() -> None:
    assert {alarm.noun for alarm in ALARMS} == PROVOKED | BY_AWS_ALONE
