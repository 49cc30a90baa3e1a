"""Each alarm is provoked once: what it watches goes over its threshold when that goes wrong.

What only AWS can do (throttle a function, put a failed batch aside) is its own metric and queue;
that the alarm names the right one is checked in tests/infra/test_observability.py.
"""

import json
from collections.abc import Callable, Iterator

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


def threshold(noun: str) -> int:
    return next(alarm.threshold for alarm in ALARMS if alarm.noun == noun)


def test_every_alarm_is_provoked_here_or_by_aws_alone() -> None:
    here = {"quarantine-not-empty", "iterator-age", "api-errors"}
    here |= {f"{queue}-dead-letters-not-empty" for queue in ("intake", "timers", "events")}
    here |= {f"{queue}-age" for queue in ("intake", "timers", "events")}
    here |= {f"{function}-errors" for function in HANDLERS}
    assert here | BY_AWS_ALONE == {alarm.noun for alarm in ALARMS}


@pytest.mark.parametrize("queue", ["intake", "timers", "events"])
def test_a_function_that_always_dies_makes_its_queue_old_then_dead_letters(begin, queue) -> None:
    world = begin()
    world.submit(chain("email", "sms"), "key")
    if queue != "intake":
        world.run(until=START)
        world.queues["events"].clear()
        world.put(queue, world.queues["timers"].pop().body, world.now)
    world.calls.faults = EveryCall(Fault.CRASH_BEFORE)
    since = world.now
    world.run()
    # With waits of 15 minutes, each hop of a timer is old by as much before it can fail.
    hop_ms = 900_000 if queue == "timers" else 0
    assert (world.now - since + hop_ms) / 1000 > threshold(f"{queue}-age")
    assert len(world.dead_letters) > threshold(f"{queue}-dead-letters-not-empty")


def test_a_normalizer_that_always_dies_falls_behind(begin) -> None:
    world = begin()
    world.put("events", json.dumps({"eventType": "TEXT_SENT"}), world.now)
    world.run(until=START)
    world.kinesis.put_records("events", [{"Data": b"{}", "PartitionKey": "k"}])
    world.calls.faults = EveryCall(Fault.CRASH_BEFORE)
    poison = [{"Data": b"poison", "PartitionKey": "k"}]
    world.kinesis.put_records("events", poison)
    since = world.now
    world.run(until=since + 61_000)
    assert world.stream_pending
    assert world.now - since > threshold("iterator-age")


def test_an_unreadable_record_fills_the_quarantine(begin) -> None:
    world = begin()
    world.put("events", "unreadable", world.now)
    world.run()
    assert len(world.queues["quarantine"]) > threshold("quarantine-not-empty")


def test_a_table_that_refuses_is_a_server_error(begin) -> None:
    world = begin(faults=EveryCall(Fault.REFUSED))
    answer = world.http("POST", "/messages", request(), "key")
    assert answer is not None
    assert answer.status == 503


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
