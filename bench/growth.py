"""What grows with the table and with the messages in flight: nothing should."""

import json
import random
from typing import Any

from bench.functions import CONTEXT, kinesis_event
from bench.measure import Figure, Sample, measured
from bench.stand_in import StandIn
from bench.workload import Traffic, content, message_ids, plan, row, sent
from runtime.channels import minimize_event
from runtime.handlers import normalize_events
from tests.support import requests
from tests.support.events import ses

ROWS = (1, 1_000, 10_000, 100_000, 1_000_000)
IN_FLIGHT = (10, 100, 1_000, 10_000, 100_000)
_BATCH = 1_000
_MOST_EVENTS = 3_000
_RUNS = 3
Result = dict[str, Any]


def run(stand_in: StandIn) -> Result:
    """Measure one delivery per message, in tables of all sizes, and of many messages at once."""
    flying, ids = _in_flight(stand_in, IN_FLIGHT[-1])
    template = flying.items["messages"][ids[0]]
    table: Result = {}
    for number in ROWS:
        # As many messages get an event as the table has rows, up to a batch.
        chosen = ids[: min(number, _BATCH)]
        some = _only(flying, chosen)
        # The others are one row under many keys: what counts is that they are there.
        others = {f"other-{index}": template for index in range(number - len(chosen))}
        some.items["messages"].update(others)  # type: ignore[attr-defined]
        table[str(number)] = _measure(stand_in, some, chosen)
    flight: Result = {}
    rng = random.Random(4)  # noqa: S311  a workload, not a secret
    for number in IN_FLIGHT:
        among = ids[:number]
        chosen = rng.sample(among, min(number, _MOST_EVENTS))
        flight[str(number)] = _measure(stand_in, _only(flying, among), chosen)
    return {"rows": table, "in_flight": flight}


def _in_flight(stand_in: StandIn, number: int) -> tuple[Traffic, list[str]]:
    next_id = message_ids(random.Random(5))  # noqa: S311  a workload, not a secret
    # One row and one content under many ids: they differ in nothing else.
    planned = plan(requests.request(), next_id())
    a_row, a_content = row(sent(stand_in, "email")), content(planned)
    ids = [next_id() for _ in range(number)]
    messages = {id_: {**a_row, "message_id": {"S": id_}} for id_ in ids}
    payloads = {id_: {**a_content, "message_id": {"S": id_}} for id_ in ids}
    return Traffic({"messages": messages, "payloads": payloads}, []), ids


def _only(traffic: Traffic, ids: list[str]) -> Traffic:
    return Traffic(
        {table: {id_: items[id_] for id_ in ids} for table, items in traffic.items.items()}, []
    )


def _measure(stand_in: StandIn, traffic: Traffic, ids: list[str]) -> Result:
    events = [minimize_event(json.dumps(ses("Delivery", id_, 0))) for id_ in ids]
    samples: list[Sample] = []
    for _ in range(_RUNS):
        invocations = [
            kinesis_event(events[start : start + _BATCH]) for start in range(0, len(ids), _BATCH)
        ]
        stand_in.use(traffic.tables())

        def work() -> None:
            for event in invocations:  # noqa: B023  used before the next turn
                normalize_events.handler(event, CONTEXT)

        samples.append(measured(stand_in, work))
    return {
        "events_per_second": Figure.of([len(ids) / sample.wall_seconds for sample in samples]),
        "cpu_ms_per_1000": Figure.of([1e6 * sample.cpu_seconds / len(ids) for sample in samples]),
        "calls_per_event": samples[0].calls.total() / len(ids),
    }
