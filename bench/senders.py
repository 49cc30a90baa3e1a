"""The senders at batches of ten, next to one message per invocation and send-first."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench import naive
from bench.functions import CONTEXT, DEFAULT_MEMORY_MB, sqs_event
from bench.measure import Figure, Sample, measured
from bench.stand_in import StandIn
from bench.workload import NOW, Traffic, new_messages
from runtime.handlers import send_fallback, send_primary
from tests.support import requests

_BATCH = 10
_BATCHES = 6
_NAIVE_MESSAGES = 12
_RUNS = 5
Result = dict[str, Any]
SendMany = Callable[[Sequence[str]], dict[str, Any]]
SendOne = Callable[[str], object]


def run(stand_in: StandIn) -> Result:
    """Measure first steps, fallbacks, and timers that find nothing to do."""
    first = _compare(
        stand_in,
        new_messages(_BATCH * _BATCHES),
        lambda ids: send_primary.handler(sqs_event(map(_intake, ids)), CONTEXT),
        lambda id_: naive.primary_handler(sqs_event([_intake(id_)]), CONTEXT),
    )
    # Nothing has become of the first step, which has been claimed by nobody: the timer sends.
    silent = new_messages(_BATCH * _BATCHES)
    fallback = _compare(
        stand_in,
        silent,
        lambda ids: send_fallback.handler(sqs_event(map(_timer, ids)), CONTEXT),
        lambda id_: naive.fallback_handler(sqs_event([_timer(id_)]), CONTEXT),
    )
    return {
        "first_step": first,
        "fallback": fallback,
        "timer_after_success": _timers_after_success(stand_in),
        "rows": _row_sizes(stand_in),
    }


def _intake(message_id: str) -> str:
    return json.dumps({"message_id": message_id})


def _timer(message_id: str) -> str:
    return json.dumps({"message_id": message_id, "step": 1, "due_at": 0})


def _compare(
    stand_in: StandIn, what: tuple[Traffic, list[str]], send: SendMany, naive_send: SendOne
) -> Result:
    messages, ids = what
    ours: list[Sample] = []
    theirs: list[Sample] = []
    _send_all(stand_in, messages, ids[:_BATCH], send)  # makes the clients
    for _ in range(_RUNS):
        ours.append(_send_all(stand_in, messages, ids, send))
        stand_in.use(messages.tables())

        def work() -> None:
            for message_id in ids[:_NAIVE_MESSAGES]:
                naive_send(message_id)

        theirs.append(measured(stand_in, work))
    rates = [len(ids) / sample.wall_seconds for sample in ours]
    naive_rates = [_NAIVE_MESSAGES / sample.wall_seconds for sample in theirs]
    return {
        "ours": _describe(ours, len(ids), _BATCHES),
        "naive": _describe(theirs, _NAIVE_MESSAGES, _NAIVE_MESSAGES),
        "times_faster": Figure.of([a / b for a, b in zip(rates, naive_rates, strict=True)]),
    }


def _send_all(stand_in: StandIn, messages: Traffic, ids: Sequence[str], send: SendMany) -> Sample:
    stand_in.use(messages.tables())

    def work() -> None:
        for start in range(0, len(ids), _BATCH):
            answer = send(ids[start : start + _BATCH])
            if answer["batchItemFailures"]:
                raise AssertionError(answer)

    return measured(stand_in, work)


def _describe(samples: Sequence[Sample], messages: int, invocations: int) -> Result:
    calls: Mapping[str, int] = samples[0].calls
    return {
        "messages_per_second": Figure.of([messages / sample.wall_seconds for sample in samples]),
        "cpu_ms_per_message": Figure.of(
            [1000 * sample.cpu_seconds / messages for sample in samples]
        ),
        "lambda_ms_per_message": Figure.of(
            [1000 * sample.wall_seconds / messages for sample in samples]
        ),
        "lambda_ms_per_message_at_512_mb": Figure.of(
            [sample.lambda_ms(DEFAULT_MEMORY_MB) / messages for sample in samples]
        ),
        "invocations_per_message": invocations / messages,
        "calls_per_message": {name: count / messages for name, count in sorted(calls.items())},
        "write_units_per_message": samples[0].write_units.total() / messages,
        "read_units_per_message": samples[0].read_half_units.total() / 2 / messages,
        "log_bytes_per_message": samples[0].log_bytes / messages,
    }


def _timers_after_success(stand_in: StandIn) -> Result:
    """Measure what most timers do: see that the step before has succeeded."""
    messages, ids = new_messages(_BATCH * _BATCHES)
    for item in messages.items["messages"].values():
        item["steps"]["L"][0]["M"]["times"]["M"]["delivered"] = {"N": str(NOW)}
        item["steps"]["L"][0]["M"]["status"] = {"S": "delivered"}
    samples = [
        _send_all(
            stand_in,
            messages,
            ids,
            lambda some: send_fallback.handler(sqs_event(map(_timer, some)), CONTEXT),
        )
        for _ in range(_RUNS)
    ]
    return _describe(samples, len(ids), _BATCHES)


def _row_sizes(stand_in: StandIn) -> dict[str, int]:
    """Return the bytes of a row after its last step was sent, by the number of steps."""
    sizes = {}
    steps = [requests.EMAIL, requests.SMS, requests.WHATSAPP]
    for number in (2, 3, 6):
        request = requests.request(*(steps * 2)[:number])
        messages, ids = new_messages(1, request=request)
        stand_in.use(messages.tables())
        send_primary.handler(sqs_event([_intake(ids[0])]), CONTEXT)
        for index in range(1, number):
            timer = {"message_id": ids[0], "step": index, "due_at": 0}
            _make_due(stand_in, ids[0])
            send_fallback.handler(sqs_event([json.dumps(timer)]), CONTEXT)
        sizes[str(number)] = stand_in.tables.largest["messages"]
    return sizes


def _make_due(stand_in: StandIn, message_id: str) -> None:
    """Let the waits of a row be over."""
    for step in stand_in.tables.items["messages"][message_id]["steps"]["L"]:
        if "due_at" in step["M"]:
            step["M"]["due_at"] = {"N": "1"}
