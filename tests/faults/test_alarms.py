"""Each alarm is provoked once: what it watches goes over its threshold when that goes wrong.

What only AWS can do (throttle a function, put a failed batch aside) is its own metric and queue;
that the alarm names the right one is checked in tests/infra/test_observability.py.
"""

import json
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from infra.alarms import ALARMS, CHANNELS, OwnAlarm, own_alarms
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
from tests.support.events import ses, sms, whatsapp
from tests.support.requests import EMAIL, RCS, SMS, WHATSAPP, request
from tests.support.runtime_world import CONTEXT

BY_AWS_ALONE = {
    "stream-failures-not-empty",
    *(alarm.noun for alarm in ALARMS if alarm.metric == "Throttles"),
}
OWN = {alarm.noun: alarm for alarm in own_alarms(50)}
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


SENT = {"email": EMAIL, "sms": SMS, "whatsapp": WHATSAPP, "rcs": RCS}
EVENTS: dict[str, Callable[[str], dict]] = {
    "email": lambda id_: ses("Delivery", id_, 0),
    "sms": lambda id_: sms("TEXT_DELIVERED", id_, 0),
    "whatsapp": lambda id_: whatsapp("delivered", wamid="wamid.A", echo=f"{id_}:0"),
    "rcs": lambda id_: sms("RCS_DELIVERED", id_, 0),
}


class Printed:
    """The sums of the metrics that were printed, as CloudWatch would have them."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._lines: list[dict] = []

    def compared(self, alarm: OwnAlarm) -> float | None:
        """Return what the alarm's expression makes of the sums; None if one has no value."""
        for line in self._capsys.readouterr().out.splitlines():
            if '"_aws"' in line:
                self._lines.append(json.loads(line))
        sums = {name: self._sum(*metric) for name, metric in alarm.metrics.items()}
        functions = {
            "IF": lambda condition, then, other: then if condition else other,
            "FILL": lambda value, filling: filling if value is None else value,
        }
        if None in sums.values() and "FILL" not in alarm.expression:
            return None
        return eval(alarm.expression, functions, sums)

    def _sum(self, name: str, dimensions: dict[str, str]) -> float | None:
        values = [
            value
            for line in self._lines
            if name in line and all(line.get(key) == want for key, want in dimensions.items())
            for value in line[name]
        ]
        return sum(values) if values else None


@provokes(*(f"{channel}-without-events" for channel in CHANNELS))
@pytest.mark.parametrize("channel", CHANNELS)
def test_sends_of_which_nothing_is_heard_are_alarming(world, capsys, channel) -> None:
    printed = Printed(capsys)
    by_channel = {
        name.removesuffix("-without-events"): alarm
        for name, alarm in OWN.items()
        if name.endswith("-without-events")
    }
    alarm = by_channel.pop(channel)
    assert printed.compared(alarm) is None

    silent = world.accept(request(SENT[channel], SMS))
    world.start(silent)
    assert printed.compared(alarm) > alarm.threshold
    # Events of messages that are not ours, or of another channel, do not hide it.
    world.normalize(ses("Delivery", "00000000-0000-4000-8000-000000000000", 0))
    other = "email" if channel != "email" else "sms"
    heard = world.accept(request(SENT[other], SMS))
    world.start(heard)
    world.normalize(EVENTS[other](heard))
    assert printed.compared(alarm) > alarm.threshold
    assert printed.compared(by_channel[other]) == by_channel[other].threshold

    world.normalize(EVENTS[channel](silent))
    assert printed.compared(alarm) == alarm.threshold


def test_events_that_came_before_the_answer_to_their_send_count_too(world, capsys) -> None:
    printed, alarm = Printed(capsys), OWN["whatsapp-without-events"]
    message_id = world.accept(request(WHATSAPP, SMS))
    # Of the id that the provider is going to answer.
    world.normalize(whatsapp("delivered", wamid="wamid.A", aws_id="00000001"))
    world.start(message_id)
    assert world.document(message_id)["status"] == "delivered"
    assert printed.compared(alarm) == alarm.threshold


@provokes("fallback-rate")
def test_many_fallbacks_are_alarming(world, capsys) -> None:
    printed, alarm = Printed(capsys), OWN["fallback-rate"]
    message_id = world.accept(request())
    world.start(message_id)
    assert printed.compared(alarm) <= alarm.threshold
    world.now += 60_000
    world.fire(*(timer["body"] for timer in world.queued("timers")))
    assert printed.compared(alarm) > alarm.threshold


def test_every_alarm_is_provoked_here_or_by_aws_alone() -> None:
    assert {alarm.noun for alarm in ALARMS} | OWN.keys() == PROVOKED | BY_AWS_ALONE
