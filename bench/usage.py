"""What a message uses of each AWS service, counted from the functions' own calls.

What AWS bills without a call of ours (receives and deletes of Lambda's pollers, deliveries of SNS)
follows from the batches: a poller receives and deletes up to ten messages a request.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench import naive
from bench.dynamodb import item_bytes
from bench.functions import (
    CONTEXT,
    DEFAULT_MEMORY_MB,
    RELAY_MEMORY_MB,
    api_event,
    kinesis_event,
    sqs_event,
)
from bench.measure import Sample, measured
from bench.stand_in import StandIn
from bench.workload import COURSES, Traffic, new_messages, traffic
from runtime.handlers import (
    message_api,
    normalize_events,
    relay_events,
    send_fallback,
    send_primary,
)
from tests.support import requests

Usage = Counter[str]
WRITES, READS = "DynamoDB write units", "DynamoDB read units"
SQS, SNS, KINESIS = "SQS requests", "SNS publishes", "Kinesis put units"
INVOCATIONS, GB_SECONDS = "Lambda requests", "Lambda GB-seconds (arm64)"
LOGS, STORAGE = "log bytes", "row GB-months"

# What Lambda itself logs of an invocation (START, END, REPORT).
_PLATFORM_LOG_BYTES = 300
# What CloudWatch Logs adds to each line.
_LINE_BYTES = 26
_RECEIVED_AT_ONCE = 10
_STREAM_UNIT_BYTES = 25_600
_RETENTION_MONTHS = 1
_CHAINS: Mapping[str, Sequence[dict[str, Any]]] = {
    "email": (requests.EMAIL, requests.SMS),
    "sms": (requests.SMS, requests.EMAIL),
    "whatsapp": (requests.WHATSAPP, requests.SMS),
}


@dataclass(frozen=True)
class Fill:
    """How full batches are: messages of a sender, events of the relay and of the normalizer."""

    sender: int
    relay: int
    normalizer: int


BUSY = Fill(10, 500, 1_000)
TRICKLE = Fill(1, 1, 1)


def message_usage(
    stand_in: StandIn, channel: str, fill: Fill, fallback_share: float | None = None
) -> Usage:
    """Return what a message of a two-step chain uses; the share that needs the second step."""
    course = COURSES[channel]
    needing = course.failure_share if fallback_share is None else fallback_share
    batch = fill.sender
    usage = _accept(stand_in, channel)
    usage += _from_queue(1, batch) + _send(stand_in, channel, batch)
    # Every timer comes; most find that nothing is to be done.
    usage += _from_queue(1, batch) + _times(_look(stand_in, channel, batch), 1 - needing)
    usage += _times(_fall_back(stand_in, channel, batch), needing)
    second = str(_CHAINS[channel][1]["channel"])
    for name, messages in ((channel, 1.0), (second, needing)):
        usage += _times(_events(stand_in, name, fill), messages)
    return usage


def naive_usage(stand_in: StandIn, channel: str, fallback_share: float | None = None) -> Usage:
    """Return the same for one event per invocation, one call after another."""
    course = COURSES[channel]
    needing = course.failure_share if fallback_share is None else fallback_share
    event = api_event("POST", "/messages", requests.request(*_CHAINS[channel]))
    usage = _single(stand_in, Traffic({}, []), [lambda: naive.api_handler(event, CONTEXT)])
    usage += _stored(stand_in)
    messages, (message_id, *_) = new_messages(1, channel)
    primary = sqs_event([json.dumps({"message_id": message_id})])
    usage += _from_queue(1, 1)
    usage += _single(stand_in, messages, [lambda: naive.primary_handler(primary, CONTEXT)])
    timer = sqs_event([json.dumps({"message_id": message_id, "step": 1, "due_at": 0})])
    succeeded = _succeeded(messages)
    usage += _from_queue(1, 1)
    look = _single(stand_in, succeeded, [lambda: naive.fallback_handler(timer, CONTEXT)])
    send = _single(stand_in, messages, [lambda: naive.fallback_handler(timer, CONTEXT)])
    usage += _times(look, 1 - needing) + _times(send, needing)
    second = str(_CHAINS[channel][1]["channel"])
    for name, share in ((channel, 1.0), (second, needing)):
        usage += _times(_naive_events(stand_in, name), share)
    return usage


def _times(usage: Usage, factor: float) -> Usage:
    return Counter({name: factor * count for name, count in usage.items()})


def _used(sample: Sample, invocations: int, memory_mb: int, messages: int) -> Usage:
    """Return what a measured piece of work used, per message."""
    logged = sample.log_bytes + _LINE_BYTES * sample.log_lines + _PLATFORM_LOG_BYTES * invocations
    requests_ = sum(count for call, count in sample.calls.items() if call.startswith("sqs."))
    seconds = sample.lambda_ms(memory_mb) / 1000
    usage = {
        WRITES: sample.write_units.total(),
        READS: sample.read_half_units.total() / 2,
        SQS: requests_,
        INVOCATIONS: invocations,
        GB_SECONDS: seconds * memory_mb / 1024,
        LOGS: logged,
    }
    return Counter({name: used / messages for name, used in usage.items()})


def _from_queue(messages: float, batch: int) -> Usage:
    """Return what receiving and deleting costs: a request each per ten messages at the most."""
    return Counter({SQS: 2 * messages / min(batch, _RECEIVED_AT_ONCE)})


def _stored(stand_in: StandIn) -> Usage:
    row = next(iter(stand_in.tables.items["messages"].values()))
    # A row grows as its steps get their times; the table adds 100 bytes to each.
    gigabytes = (1.5 * item_bytes(row) + 100) / 1e9
    return Counter({STORAGE: gigabytes * _RETENTION_MONTHS})


def _accept(stand_in: StandIn, channel: str) -> Usage:
    event = api_event("POST", "/messages", requests.request(*_CHAINS[channel]))
    message_api.handler(event, CONTEXT)  # makes clients, compiles the schema
    stand_in.use(Traffic({}, []).tables())
    number = 10

    def work() -> None:
        for _ in range(number):
            message_api.handler(event, CONTEXT)

    return _used(measured(stand_in, work), number, DEFAULT_MEMORY_MB, number) + _stored(stand_in)


def _send(stand_in: StandIn, channel: str, batch: int) -> Usage:
    messages, ids = new_messages(3 * batch, channel)
    bodies = [json.dumps({"message_id": message_id}) for message_id in ids]
    return _in_batches(stand_in, messages, bodies, batch, send_primary.handler)


def _look(stand_in: StandIn, channel: str, batch: int) -> Usage:
    messages, ids = new_messages(3 * batch, channel)
    return _in_batches(stand_in, _succeeded(messages), _timers(ids), batch, send_fallback.handler)


def _fall_back(stand_in: StandIn, channel: str, batch: int) -> Usage:
    messages, ids = new_messages(3 * batch, channel)
    usage = _in_batches(stand_in, messages, _timers(ids), batch, send_fallback.handler)
    # The failure's own timer comes beside the one that was armed before the first step.
    return usage + _from_queue(1, batch) + Counter({SQS: 1})


def _timers(ids: Sequence[str]) -> list[str]:
    return [json.dumps({"message_id": id_, "step": 1, "due_at": 0}) for id_ in ids]


def _in_batches(
    stand_in: StandIn,
    messages: Traffic,
    bodies: Sequence[str],
    batch: int,
    handler: Callable[[dict[str, object], object], object],
) -> Usage:
    invocations = [
        sqs_event(bodies[start : start + batch]) for start in range(0, len(bodies), batch)
    ]
    stand_in.use(messages.tables())
    handler(sqs_event(bodies[:1]), CONTEXT)  # makes the clients
    stand_in.use(messages.tables())

    def work() -> None:
        for event in invocations:
            handler(event, CONTEXT)

    sample = measured(stand_in, work)
    return _used(sample, len(invocations), DEFAULT_MEMORY_MB, len(bodies))


def _succeeded(messages: Traffic) -> Traffic:
    """Return the same messages after their first step was delivered."""
    rows = {}
    for message_id, item in messages.items["messages"].items():
        first, *others = item["steps"]["L"]
        delivered = {
            **first["M"],
            "status": {"S": "delivered"},
            "times": {"M": {**first["M"]["times"]["M"], "delivered": {"N": "1"}}},
        }
        rows[message_id] = {**item, "steps": {"L": [{"M": delivered}, *others]}}
    return Traffic({**messages.items, "messages": rows}, [])


def _events(stand_in: StandIn, channel: str, fill: Fill) -> Usage:
    """Return what the events of one message use, from the provider's publish to the row."""
    events_per_message = COURSES[channel].events
    what = traffic(stand_in, 1_000, 1, shares={channel: 1.0})
    events = what.batches[0] if fill.normalizer > 1 else what.batches[0][:100]
    batches = [
        kinesis_event(events[start : start + fill.normalizer])
        for start in range(0, len(events), fill.normalizer)
    ]
    stand_in.use(what.tables())

    def normalize() -> None:
        for event in batches:
            normalize_events.handler(event, CONTEXT)

    usage = _used(measured(stand_in, normalize), len(batches), DEFAULT_MEMORY_MB, len(events))
    relayed = [
        sqs_event(events[start : start + fill.relay]) for start in range(0, len(events), fill.relay)
    ]
    stand_in.use(what.tables())

    def relay() -> None:
        for event in relayed:
            relay_events.handler(event, CONTEXT)

    usage += _used(measured(stand_in, relay), len(relayed), RELAY_MEMORY_MB, len(events))
    usage += _from_queue(1, fill.relay)
    # SNS publishes, its delivery to the queue is a request there, the stream counts 25 KB units.
    units = max(1.0, stand_in.stream_bytes / stand_in.stream_records / _STREAM_UNIT_BYTES)
    usage += Counter({SNS: 1, SQS: 1, KINESIS: units})
    return _times(usage, events_per_message)


def _naive_events(stand_in: StandIn, channel: str) -> Usage:
    what = traffic(stand_in, 1_000, 1, shares={channel: 1.0})
    events = what.batches[0][:100]
    usage = _single(
        stand_in,
        what,
        [partial(naive.event_handler, naive.sns_event(event), CONTEXT) for event in events],
    )
    return _times(usage + Counter({SNS: 1}), COURSES[channel].events)


def _single(
    stand_in: StandIn, messages: Traffic, invocations: Sequence[Callable[[], object]]
) -> Usage:
    stand_in.use(messages.tables())
    invocations[0]()  # makes the clients
    stand_in.use(messages.tables())

    def work() -> None:
        for invoke in invocations:
            invoke()

    return _used(measured(stand_in, work), len(invocations), DEFAULT_MEMORY_MB, len(invocations))
