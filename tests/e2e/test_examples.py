"""The example requests, sent through HTTP; what each provider gets is compared field by field."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.api_client import ApiClient, fetch_outbox
from local.deployment import running_deployment
from runtime.channels.email import recipient_digest

EXAMPLES = Path(__file__).parents[2] / "docs" / "requests"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.json"))
# By example, the sends that its steps lead to when everything arrives at once.
EXPECTED = json.loads(Path(__file__).with_name("wire_requests.json").read_text(encoding="utf-8"))


def example(name: str) -> dict[str, Any]:
    return dict(json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def sends() -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Post every example to a deployment of its own; return the providers' requests by example."""
    with running_deployment() as deployment:
        api = ApiClient(deployment.api_url, deployment.api_key)
        answers = {name: api.post(example(name)) for name in NAMES}
        assert {answer.status for answer in answers.values()} == {202}
        names = {answer.document["message_id"]: name for name, answer in answers.items()}
        wanted = sum(len(requests) for requests in EXPECTED.values())
        deadline = time.monotonic() + 30
        while len(outbox := fetch_outbox(deployment.simulator_url)) < wanted:
            assert time.monotonic() < deadline, f"{len(outbox)} of {wanted} sends"
            time.sleep(0.2)
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in NAMES}
        # The steps of a broadcast go out in any order.
        for entry in sorted(outbox, key=lambda entry: int(entry["tags"]["step"])):
            message_id = entry["tags"]["message_id"]
            found[names[message_id]].append(readable(entry["request"], message_id))
        yield found


def readable(request: dict[str, Any], message_id: str) -> dict[str, Any]:
    """Make a request comparable: ids by name, and Meta's JSON as an object."""
    text = json.dumps(request)
    text = text.replace(recipient_digest(message_id, "ann@example.org"), "<recipient digest>")
    request = json.loads(text.replace(message_id, "<message id>"))
    if "message" in request:
        request["message"] = json.loads(request["message"])
    return dict(request)


def test_every_example_has_its_expected_sends() -> None:
    assert sorted(EXPECTED) == NAMES
    assert len(NAMES) >= 15


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_gets_what_the_example_says(name, sends) -> None:
    found = sends[name]
    wait = example(name).get("fallback_seconds", 300)
    for request, expected in zip(found, EXPECTED[name], strict=True):
        if "TimeToLive" in expected and expected["TimeToLive"] == "<the wait>":
            # What is left of the wait when the text goes out.
            assert wait - 10 <= request["TimeToLive"] <= wait
            request["TimeToLive"] = "<the wait>"
        assert request == expected
