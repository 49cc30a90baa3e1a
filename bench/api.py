"""What a request costs the API in CPU and calls."""

import json
import time
from typing import Any

from bench import naive
from bench.functions import CONTEXT, DEFAULT_MEMORY_MB, api_event
from bench.measure import Figure, Sample, measured
from bench.stand_in import StandIn
from bench.workload import Traffic
from runtime.handlers import message_api
from tests.support import requests

_REQUESTS = 60
_RUNS = 5
Result = dict[str, Any]


def run(stand_in: StandIn) -> Result:
    """Measure POST, GET and a request with faults."""
    empty = Traffic({}, [])
    post = api_event("POST", "/messages", requests.request())
    invalid = api_event("POST", "/messages", {"use_case": "fallback"})
    message_api.handler(post, CONTEXT)  # makes the clients and compiles the schema
    results: Result = {}

    def repeated(event: dict[str, Any], status: int) -> list[Sample]:
        samples = []
        for _ in range(_RUNS):
            stand_in.use(empty.tables())
            stand_in.tables.items = kept

            def work() -> None:
                for _ in range(_REQUESTS):
                    answer = message_api.handler(event, CONTEXT)
                    if answer["statusCode"] != status:
                        raise AssertionError(answer)

            samples.append(measured(stand_in, work))
        return samples

    kept: dict[str, Any] = {}
    results["post"] = _describe(repeated(post, 202))
    results["post_with_faults"] = _describe(repeated(invalid, 400))
    message_id = json.loads(message_api.handler(post, CONTEXT)["body"])["message_id"]
    kept = stand_in.tables.items
    results["get"] = _describe(repeated(api_event("GET", f"/messages/{message_id}"), 200))
    theirs = []
    for _ in range(_RUNS):
        stand_in.use(empty.tables())

        def work() -> None:
            for _ in range(_REQUESTS):
                naive.api_handler(post, CONTEXT)

        theirs.append(measured(stand_in, work))
    results["naive_post"] = _describe(theirs)
    results["validate_ms"] = _validation()
    return results


def _describe(samples: list[Sample]) -> Result:
    return {
        "cpu_ms": Figure.of([1000 * sample.cpu_seconds / _REQUESTS for sample in samples]),
        "lambda_ms": Figure.of([1000 * sample.wall_seconds / _REQUESTS for sample in samples]),
        "lambda_ms_at_512_mb": Figure.of(
            [sample.lambda_ms(DEFAULT_MEMORY_MB) / _REQUESTS for sample in samples]
        ),
        "calls": {name: count / _REQUESTS for name, count in sorted(samples[0].calls.items())},
        "write_units": samples[0].write_units.total() / _REQUESTS,
        "read_units": samples[0].read_half_units.total() / 2 / _REQUESTS,
        "log_bytes": samples[0].log_bytes / _REQUESTS,
    }


def _validation() -> Figure:
    """Measure the request schema alone."""
    from runtime.request_schema import find_faults  # noqa: PLC0415

    request = requests.request()
    times = []
    for _ in range(_RUNS):
        started = time.process_time()
        for _ in range(200):
            find_faults(request)
        times.append((time.process_time() - started) * 5)
    return Figure.of(times)
