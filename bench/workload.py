"""Messages and their events, spread over time as providers do it.

A batch holds what one second of traffic brings: `Send` a moment after the acceptance, deliveries
after seconds, reads after minutes. So most of a batch's events belong to different messages, and
little can be coalesced.
"""

import json
import random
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

from bench.dynamodb import Item, Tables
from bench.functions import CONTEXT, sqs_event
from bench.stand_in import StandIn
from runtime import rows
from runtime.channels import CHANNELS, minimize_event, parse_event
from runtime.domain.message import Message, apply
from runtime.domain.plan import Durations, Plan, plan_message
from runtime.handlers import send_primary
from tests.support import requests
from tests.support.events import ses, sms, whatsapp

NOW: Final = 1_800_000_000_000
_REQUESTS: Final[Mapping[str, dict[str, Any]]] = {
    "email": requests.request(requests.EMAIL, requests.SMS),
    "sms": requests.request(requests.SMS, requests.EMAIL),
    "whatsapp": requests.request(requests.WHATSAPP, requests.SMS),
}
# The channel of the first step.
SHARES: Final = {"email": 0.60, "sms": 0.25, "whatsapp": 0.15}


Build = Callable[[str], dict[str, Any]]
Delay = Callable[[random.Random], float]


def _seconds(median: float, spread: float = 0.8) -> Delay:
    return lambda rng: median * rng.lognormvariate(0, spread)


def _minutes(least: float, most: float) -> Delay:
    return lambda rng: 60 * rng.uniform(least, most)


@dataclass(frozen=True)
class Stage:
    """An event that messages get: what it looks like, and after how many seconds it comes."""

    build: Build
    delay: Delay


@dataclass(frozen=True)
class Course:
    """What a channel's messages go through: on the way, the outcome, and a read much later."""

    on_the_way: Sequence[Stage]
    arrival: Stage
    failure: Stage
    failure_share: float
    read: Stage | None = None
    read_share: float = 0.0

    @property
    def events(self) -> float:
        """How many events a message gets on average."""
        return len(self.on_the_way) + 1 + self.read_share


def _status(name: str, code: int | None = None) -> Build:
    return lambda id_: whatsapp(name, wamid=f"wamid.{id_}", echo=f"{id_}:0", code=code)


COURSES: Final[Mapping[str, Course]] = {
    "email": Course(
        on_the_way=[Stage(lambda id_: ses("Send", id_, 0), _seconds(0.3))],
        arrival=Stage(lambda id_: ses("Delivery", id_, 0), _seconds(3)),
        failure=Stage(lambda id_: ses("Bounce", id_, 0), _seconds(3)),
        failure_share=0.03,
        read=Stage(lambda id_: ses("Click", id_, 0), _minutes(1, 30)),
        read_share=0.30,
    ),
    "sms": Course(
        on_the_way=[Stage(lambda id_: sms("TEXT_SENT", id_, 0), _seconds(0.8))],
        arrival=Stage(lambda id_: sms("TEXT_DELIVERED", id_, 0, final=True), _seconds(4)),
        failure=Stage(lambda id_: sms("TEXT_UNREACHABLE", id_, 0, final=True), _seconds(10)),
        failure_share=0.05,
    ),
    "whatsapp": Course(
        on_the_way=[
            Stage(_status("accepted"), _seconds(0.3)),
            Stage(_status("sent"), _seconds(0.8)),
        ],
        arrival=Stage(_status("delivered"), _seconds(2)),
        failure=Stage(_status("failed", 131026), _seconds(2)),
        failure_share=0.05,
        read=Stage(_status("read"), _minutes(1, 30)),
        read_share=0.60,
    ),
}


@dataclass(frozen=True)
class Traffic:
    """Rows and content as they are before some batches of events, and the batches."""

    items: Mapping[str, Mapping[str, Item]]
    batches: Sequence[Sequence[str]]

    def tables(self) -> Tables:
        """Return fresh tables with these items."""
        tables = Tables()
        tables.items = {table: dict(items) for table, items in self.items.items()}
        return tables


def plan(request: Mapping[str, Any], message_id: str) -> Plan:
    """Lay out a request as the API does."""
    return plan_message(
        request,
        message_id=message_id,
        now=NOW,
        durations=Durations(300, 3_600, 30),
        split_repairs=lambda channel, content: CHANNELS[channel].split_repairs(content),
    )


def row(message: Message) -> Item:
    """Return a row as the table has it."""
    return rows.encode_key(message) | rows.encode_state(message)


def content(planned: Plan) -> Item:
    """Return stored content as the table has it."""
    # Bytes are base64 on the wire, which is how the stand-in keeps them.
    return {
        "message_id": {"S": planned.message.message_id},
        "content": {"B": b64encode(rows.encode_contents(planned.contents)).decode()},
        "expires_at": {"N": "1801000000"},
    }


def sent(stand_in: StandIn, channel: str) -> Message:
    """Return a row whose first step the real sender has armed, claimed, sent and recorded."""
    messages, (message_id,) = new_messages(1, channel)
    waits = stand_in.aws_seconds, stand_in.provider_seconds
    stand_in.aws_seconds = stand_in.provider_seconds = 0.0
    stand_in.use(messages.tables())
    send_primary.handler(sqs_event([json.dumps({"message_id": message_id})]), CONTEXT)
    stand_in.aws_seconds, stand_in.provider_seconds = waits
    return rows.decode_message(stand_in.tables.items["messages"][message_id])


def message_ids(rng: random.Random) -> Callable[[], str]:
    """Return a maker of ids that look like our own."""
    numbers = count(1)
    return lambda: f"{rng.getrandbits(32):08x}-0000-4000-8000-{next(numbers):012x}"


def traffic(
    stand_in: StandIn,
    events_per_second: int,
    batches: int,
    seed: int = 1,
    shares: Mapping[str, float] = SHARES,
) -> Traffic:
    """Return some seconds of steady traffic, one batch a second.

    Messages that started before are in the state that their earlier events have left. What comes
    after minutes comes from messages of which nothing else is in these batches.
    """
    rng = random.Random(seed)  # noqa: S311  a workload, not a secret
    next_id = message_ids(rng)
    rate = events_per_second / sum(shares[name] * COURSES[name].events for name in shares)
    arrived: list[list[str]] = [[] for _ in range(batches)]
    items: dict[str, dict[str, Item]] = {"messages": {}, "payloads": {}}
    for channel, share in shares.items():
        course = COURSES[channel]
        template = sent(stand_in, channel)
        for _ in range(round(rate * share * (_WARM_UP_SECONDS + batches))):
            start = rng.uniform(-_WARM_UP_SECONDS, batches)
            failed = rng.random() < course.failure_share
            stages = [*course.on_the_way, course.failure if failed else course.arrival]
            happening = [(start + stage.delay(rng), stage) for stage in stages]
            _add(replace(template, message_id=next_id()), channel, happening, items, arrived)
        for _ in range(round(rate * share * course.read_share * batches)):
            before = [(-1.0, stage) for stage in (*course.on_the_way, course.arrival)]
            assert course.read is not None
            happening = [*before, (rng.uniform(0, batches), course.read)]
            _add(replace(template, message_id=next_id()), channel, happening, items, arrived)
    for batch in arrived:
        rng.shuffle(batch)
    return Traffic(items, [batch[:events_per_second] for batch in arrived])


# Longer than all but a few deliveries take.
_WARM_UP_SECONDS: Final = 60


def _add(
    message: Message,
    channel: str,
    happening: Sequence[tuple[float, Stage]],
    items: dict[str, dict[str, Item]],
    arrived: list[list[str]],
) -> None:
    """Put a message's events into the batches, and its row as it was before them."""
    if not any(0 <= at < len(arrived) for at, _ in happening):
        return
    message_id = message.message_id
    for at, stage in sorted(happening, key=lambda pair: pair[0]):
        payload = json.dumps(stage.build(message_id))
        if at < 0:
            message = apply(message, [*parse_event(payload)])
        elif at < len(arrived):
            arrived[int(at)].append(minimize_event(payload))
    items["messages"][message_id] = row(message)
    if not message.over(now=0):
        items["payloads"][message_id] = content(plan(_REQUESTS[channel], message_id))


def raw_events(number: int, seed: int = 2) -> list[str]:
    """Return events as SNS delivers them, before anything has been left out of them."""
    rng = random.Random(seed)  # noqa: S311  a workload, not a secret
    next_id = message_ids(rng)
    kinds: list[tuple[float, Stage]] = []
    for channel, course in COURSES.items():
        share = SHARES[channel]
        kinds += [(share, stage) for stage in course.on_the_way]
        kinds.append((share * (1 - course.failure_share), course.arrival))
        kinds.append((share * course.failure_share, course.failure))
        if course.read is not None:
            kinds.append((share * course.read_share, course.read))
    chosen = rng.choices(
        [stage for _, stage in kinds], weights=[share for share, _ in kinds], k=number
    )
    return [json.dumps(stage.build(next_id())) for stage in chosen]


def new_messages(
    number: int, channel: str = "email", request: Mapping[str, Any] | None = None
) -> tuple[Traffic, list[str]]:
    """Return tables with accepted messages that nobody has sent yet, and their ids."""
    next_id = message_ids(random.Random(3))  # noqa: S311  a workload, not a secret
    ids = [next_id() for _ in range(number)]
    planned = [plan(request or _REQUESTS[channel], message_id) for message_id in ids]
    items = {
        "messages": {plan_.message.message_id: row(plan_.message) for plan_ in planned},
        "payloads": {plan_.message.message_id: content(plan_) for plan_ in planned},
    }
    return Traffic(items, []), ids
