"""The normalizer and the relay in batches, next to one invocation per event."""

from collections.abc import Sequence
from typing import Any

from bench import naive
from bench.functions import (
    CONTEXT,
    DEFAULT_MEMORY_MB,
    RELAY_MEMORY_MB,
    kinesis_event,
    sqs_event,
)
from bench.measure import Figure, Sample, measured
from bench.stand_in import StandIn
from bench.workload import Traffic, raw_events, traffic
from runtime.handlers import normalize_events, relay_events

# Events a batch, seconds of traffic, runs.
SIZES = ((100, 10, 5), (1_000, 3, 5), (10_000, 1, 5))
_NAIVE_EVENTS = 120
_NAIVE_RUNS = 5
Result = dict[str, Any]


def run(stand_in: StandIn) -> Result:
    """Measure every batch size, and the naive design on the same traffic."""
    results: Result = {"batches": {}}
    for size, seconds, runs in SIZES:
        results["batches"][size] = _compare(stand_in, traffic(stand_in, size, seconds), size, runs)
    results["relay"] = _relay(stand_in)
    return results


def _compare(stand_in: StandIn, what: Traffic, size: int, runs: int) -> Result:
    events = [event for batch in what.batches for event in batch]
    ours: list[Sample] = []
    theirs: list[Sample] = []
    sampled = events[:_NAIVE_EVENTS]
    for _ in range(runs):
        # In turn, so that a slow spell of the machine slows both.
        ours.append(_normalize(stand_in, what, what.batches))
        if len(theirs) < _NAIVE_RUNS:
            theirs.append(_naive(stand_in, what, sampled))
    rates = [len(events) / sample.wall_seconds for sample in ours]
    naive_rates = [len(sampled) / sample.wall_seconds for sample in theirs]
    return {
        "events": len(events),
        "invocations_per_1000_events": len(what.batches) * 1000 / len(events),
        "ours": _describe(ours, len(events)),
        "naive": _describe(theirs, len(sampled)),
        "times_faster": Figure.of([a / b for a, b in zip(rates, naive_rates, strict=False)]),
        **_records(stand_in, what, events, size),
    }


def _describe(samples: Sequence[Sample], events: int) -> Result:
    return {
        "events_per_second": Figure.of([events / sample.wall_seconds for sample in samples]),
        "lambda_ms_per_1000": Figure.of([1e6 * sample.wall_seconds / events for sample in samples]),
        "lambda_ms_per_1000_at_512_mb": Figure.of(
            [1000 * sample.lambda_ms(DEFAULT_MEMORY_MB) / events for sample in samples]
        ),
        "cpu_ms_per_1000": Figure.of([1e6 * sample.cpu_seconds / events for sample in samples]),
        "calls_per_1000": 1000 * samples[0].calls.total() / events,
        "write_units_per_1000": 1000 * samples[0].write_units.total() / events,
        "read_units_per_1000": 500 * samples[0].read_half_units.total() / events,
        "log_bytes_per_1000": 1000 * samples[0].log_bytes / events,
    }


def _records(stand_in: StandIn, what: Traffic, events: Sequence[str], size: int) -> Result:
    """Compare the write units and the rows of both designs over all of the traffic."""
    waits = stand_in.aws_seconds, stand_in.provider_seconds
    stand_in.aws_seconds = stand_in.provider_seconds = 0.0
    ours = _normalize(stand_in, what, what.batches)
    our_rows = stand_in.tables.items
    theirs = _naive(stand_in, what, events)
    their_rows = stand_in.tables.items
    stand_in.aws_seconds, stand_in.provider_seconds = waits
    different = [
        message_id
        for message_id, item in our_rows["messages"].items()
        if item["steps"] != their_rows["messages"][message_id]["steps"]
    ]
    if different or our_rows["payloads"].keys() != their_rows["payloads"].keys():
        raise AssertionError(f"the designs disagree about {len(different)} rows at {size}")
    per_thousand = 1000 / len(events)
    return {
        "same_rows": len(our_rows["messages"]),
        "write_units_per_1000": ours.write_units.total() * per_thousand,
        "naive_write_units_per_1000": theirs.write_units.total() * per_thousand,
        "calls_per_1000": ours.calls.total() * per_thousand,
        "naive_calls_per_1000": theirs.calls.total() * per_thousand,
        "largest_row_bytes": stand_in.tables.largest["messages"],
    }


def _normalize(stand_in: StandIn, what: Traffic, batches: Sequence[Sequence[str]]) -> Sample:
    invocations = [kinesis_event(batch) for batch in batches]
    stand_in.use(what.tables())

    def work() -> None:
        for event in invocations:
            answer = normalize_events.handler(event, CONTEXT)
            if answer["batchItemFailures"]:
                raise AssertionError(answer)

    return measured(stand_in, work)


def _naive(stand_in: StandIn, what: Traffic, events: Sequence[str]) -> Sample:
    invocations = [naive.sns_event(event) for event in events]
    stand_in.use(what.tables())

    def work() -> None:
        for event in invocations:
            naive.event_handler(event, CONTEXT)

    return measured(stand_in, work)


def _relay(stand_in: StandIn) -> Result:
    """Measure the relay: whole events in, minimal ones on the stream, 500 a call."""
    events = raw_events(1_000)
    samples = []
    for _ in range(5):
        invocations = [sqs_event(events[:500]), sqs_event(events[500:])]
        stand_in.use(stand_in.tables)

        def work(invocations: list[Any] = invocations) -> None:
            for event in invocations:
                relay_events.handler(event, CONTEXT)

        samples.append(measured(stand_in, work))
    return {
        "cpu_ms_per_1000": Figure.of([1000 * sample.cpu_seconds for sample in samples]),
        "events_per_second": Figure.of([1000 / sample.wall_seconds for sample in samples]),
        "lambda_ms_per_1000": Figure.of([1000 * sample.wall_seconds for sample in samples]),
        "lambda_ms_per_1000_at_256_mb": Figure.of(
            [sample.lambda_ms(RELAY_MEMORY_MB) for sample in samples]
        ),
        "calls_per_1000": samples[0].calls.total(),
        "invocations_per_1000_events": 2,
        "event_bytes": sum(map(len, events)) / len(events),
        "stream_record_bytes": stand_in.stream_bytes / stand_in.stream_records,
    }
