"""How soon a fallback goes out, on the local deployment with simulated providers.

From the provider's hard failure to the next step's send, and from the end of a wait to it.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bench.functions import ENVIRONMENT
from bench.measure import Figure, percentile
from local.api_client import ApiClient, fetch_outbox
from local.deployment import running_deployment
from local.requests import email, sms
from tests.support.requests import request

_MESSAGES = 60
_PAUSE_SECONDS = 0.15
_DEADLINE_SECONDS = 60
_LEAST_WAIT_SECONDS, _MOST_WAIT_SECONDS = 2, 6
Result = dict[str, Any]


def run_apart() -> Result:
    """Measure in a process of its own: in this one, AWS is the stand-in."""
    environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    output = subprocess.run(
        [sys.executable, "-m", "bench.decisions"],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    seconds: dict[str, list[float]] = json.loads(output.splitlines()[-1])
    return {name: _describe(values) for name, values in seconds.items()}


def time_decisions() -> dict[str, list[float]]:
    """Deploy here, send messages that fail and messages that stay silent, and time what follows."""
    with running_deployment() as deployment:
        api = ApiClient(deployment.api_url, deployment.api_key)
        failing = _send(api, "bounce", wait=lambda _: 600)
        failures = _wait_for_fallbacks(deployment.simulator_url, failing)
        events = _fetch_events(deployment.simulator_url)
        silent = _send(api, "silent", wait=_wait)
        timers = _wait_for_fallbacks(deployment.simulator_url, silent)
        due = {message_id: _due_at(api, message_id) for message_id in silent}
    bounced_at = {
        event["provider_message_id"]: _milliseconds(event["published_at"])
        for event in events
        if event["type"] == "Bounce"
    }
    return {
        "decision_seconds": [
            (sends[1]["received_ms"] - bounced_at[sends[0]["provider_message_id"]]) / 1000
            for sends in failures.values()
        ],
        "timer_error_seconds": [
            (sends[1]["received_ms"] - due[message_id]) / 1000
            for message_id, sends in timers.items()
        ],
    }


def _wait(number: int) -> int:
    return _LEAST_WAIT_SECONDS + number % (_MOST_WAIT_SECONDS - _LEAST_WAIT_SECONDS + 1)


def _send(api: ApiClient, recipient: str, wait: Callable[[int], int]) -> list[str]:
    ids = []
    for number in range(_MESSAGES):
        steps = email(f"{recipient}@person-{number}.example"), sms(f"+1425555{1000 + number}")
        answer = api.post(request(*steps, fallback_seconds=wait(number)))
        ids.append(str(answer.document["message_id"]))
        # Evenly, and below what a machine of two processors takes: a burst would time its queue.
        time.sleep(_PAUSE_SECONDS)
    return ids


def _wait_for_fallbacks(simulator_url: str, ids: list[str]) -> dict[str, dict[int, dict[str, Any]]]:
    """Return the sends of these messages by step, once each has had its fallback."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while True:
        sends: dict[str, dict[int, dict[str, Any]]] = {id_: {} for id_ in ids}
        for entry in fetch_outbox(simulator_url):
            if entry["tags"].get("message_id") in sends:
                sends[entry["tags"]["message_id"]][int(entry["tags"]["step"])] = entry
        missing = [id_ for id_, steps in sends.items() if not {0, 1} <= steps.keys()]
        if not missing:
            return sends
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(missing)} of {len(ids)} fallbacks were not sent")
        time.sleep(0.5)


def _due_at(api: ApiClient, message_id: str) -> int:
    return _milliseconds(api.status(message_id).document["steps"][1]["due_at"])


def _fetch_events(simulator_url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{simulator_url}/events", timeout=30) as answer:  # noqa: S310  the simulator's own http URL
        events: list[dict[str, Any]] = json.load(answer)["events"]
        return events


def _milliseconds(iso: str) -> int:
    return round(1000 * datetime.fromisoformat(iso).timestamp())


def _describe(seconds: list[float]) -> Result:
    return {
        "messages": len(seconds),
        "p50": percentile(seconds, 0.50),
        "p99": percentile(seconds, 0.99),
        "range": Figure.of(seconds),
    }


if __name__ == "__main__":
    print(json.dumps(time_decisions()))  # noqa: T201  the answer to the process that has asked
