"""A thousand messages through the whole deployment on this machine: python -m tests.faults.soak.

The simulated providers throttle, and duplicate, reorder, delay and drop their events. At the end
the books must balance, and no log line, queue or stream record may name anybody.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.api_client import ApiClient, fetch_outbox
from local.deployment import Deployment, running_deployment
from local.requests import chain, email, sms, whatsapp
from local.simulator import Faults
from operations.dead_letters import QUEUES
from operations.stack import Stack
from runtime.domain.status import PROGRESS, RANKS, Status
from tests.support.calls import note_calls
from tests.support.redaction import places_that_name

# Of each recipient, as many as the weight says; the label makes each one a person of its own.
EMAILS = (("success", 6), ("silent", 2), ("bounce", 2), ("slow", 1), ("shuffled", 1), ("reset", 1))
NUMBERS = ("+12065550101", "+12065550104", "+12065550105", "+12065550106", "+12065550109",
           "+12065550110", "+12065550111", "+12065550114", "+14254147755",
           "+12065550199")  # fmt: skip
# Their providers take a message and answer nothing, so that its sender cannot know.
UNANSWERED = ("reset", "+12065550109", "+12065550110")
# As often as that, a step that nothing comes after may be sent to them.
MOST_SENDS = 3
ENDS = ("delivered", "read", "complained", "failed", "cancelled", "unknown")
# What is in every message; nobody but the providers may see it.
SECRET = "one-time-code"
PRIVATE = {
    SECRET,
    "@example.org",
    "wamid.",
    *NUMBERS,
    *(number.removeprefix("+") for number in NUMBERS),
}
WAIT_SECONDS = 20
OUTCOME_WAIT_SECONDS = 60


@dataclass
class Books:
    """What was asked for, what became of it, and what is wrong."""

    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    sends: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def balance(self, outbox: list[dict[str, Any]]) -> None:
        """Compare what the providers have taken with what the rows say."""
        for sent in outbox:
            tags = sent["tags"]
            self.sends[tags["message_id"], int(tags["step"])] += 1
        for message_id, step in self.sends:
            if message_id not in self.documents:
                self.wrong.append(f"{message_id}: sent, and nobody asked for it")
            elif not self.documents[message_id]["steps"][step]["times"].get("queued"):
                self.wrong.append(f"{message_id}: step {step} was sent without a claim")
        for message_id, document in self.documents.items():
            self._check(message_id, document)

    def _check(self, message_id: str, document: dict[str, Any]) -> None:
        steps = document["steps"]
        is_chain = document["use_case"] == "fallback"
        last = len(steps) - 1
        if document["status"] not in ENDS:
            self.wrong.append(f"{message_id}: still {document['status']}")
        for index, (step, recipient) in enumerate(
            zip(steps, recipients(self.requests[message_id]), strict=True)
        ):
            sends = self.sends[message_id, index]
            repeats = recipient.startswith(UNANSWERED) and not (is_chain and index < last)
            if sends > (MOST_SENDS if repeats else 1):
                self.wrong.append(f"{message_id}: step {index} was sent {sends} times")
            if step["status"] not in ("queued", "failed") and not sends:
                self.wrong.append(f"{message_id}: step {index} is {step['status']} but not sent")
        # Nobody stops a chain here. A chain ends at its last step, if none before it succeeds.
        needed = range(last + 1) if not is_chain else [] if succeeded(steps) else [last]
        for index in needed:
            done = self.sends[message_id, index] or steps[index]["status"] == "failed"
            if not done and not document["cancelled_at"]:
                self.wrong.append(f"{message_id}: step {index} was never sent")


def recipients(request: dict[str, Any]) -> list[str]:
    """Return the recipient of each step; no request here asks for retries or repairs."""
    further = request["fc"] if isinstance(request["fc"], list) else [request["fc"]]
    return [step["recipient"] for step in (request["pc"], *further)]


def succeeded(steps: list[dict[str, Any]]) -> bool:
    """Whether a step has ever reached what its chain waits for."""
    return any(
        status in step["times"] and RANKS[status] >= RANKS[Status(step["success_status"])]
        for step in steps
        for status in PROGRESS
    )


def requests(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield requests of all kinds."""
    chance = random.Random(seed)
    names = [name for name, weight in EMAILS for _ in range(weight)]
    for number in range(count):
        text = f"{SECRET}-{number}"
        mail = email(f"{chance.choice(names)}+{number}@example.org", text=text)
        steps = [mail, sms(chance.choice(NUMBERS), text), whatsapp(chance.choice(NUMBERS), text)]
        chance.shuffle(steps)
        kind = "broadcast" if chance.random() < 0.1 else "fallback"
        yield chain(*steps[: chance.choice((2, 2, 3))], wait=WAIT_SECONDS) | {"use_case": kind}


def play(deployment: Deployment, count: int, seed: int) -> Books:
    """Hand in all messages, wait for them, and read what became of them."""
    books = Books()
    api = ApiClient(deployment.api_url, deployment.api_key)

    def hand_in(numbered: tuple[int, dict[str, Any]]) -> None:
        number, request = numbered
        for _ in range(20):
            answer = api.post(request, idempotency_key=f"soak-{number}")
            if answer.status == 202:
                books.requests[answer.document["message_id"]] = request
                return
            if answer.status not in (429, 503, 504):
                break
            time.sleep(1)
        books.wrong.append(f"request {number}: {answer.status} {answer.document}")

    began = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(hand_in, enumerate(requests(count, seed))))
    print(f"handed in {len(books.requests)} in {time.monotonic() - began:.0f} s", flush=True)
    _wait_until_quiet(deployment)
    # From then on what has no outcome reads `unknown`.
    time.sleep(OUTCOME_WAIT_SECONDS)
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(api.status, books.requests)
        books.documents = {
            message_id: answer.document
            for message_id, answer in zip(books.requests, answers, strict=True)
        }
    books.balance(fetch_outbox(deployment.simulator_url))
    return books


def _wait_until_quiet(deployment: Deployment, quiet_seconds: float = 15, most: float = 900) -> None:
    """Wait until the providers have got nothing new for a while and no queue holds anything.

    Raises TimeoutError if that takes too long.
    """
    sqs = deployment.cloud.client("sqs")
    urls = [
        sqs.get_queue_url(QueueName=deployment.outputs[f"{queue}_queue"])["QueueUrl"]
        for queue in ("intake", "timers", "events")
    ]
    deadline, quiet_since = time.monotonic() + most, time.monotonic()
    waiting, sends, before = 0, 0, -1
    while time.monotonic() < deadline:
        waiting = 0
        for url in urls:
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            waiting += sum(int(n) for name, n in answer.items() if name.startswith("Approximate"))
        sends = len(fetch_outbox(deployment.simulator_url))
        if waiting or sends != before:
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > quiet_seconds:
            return
        before = sends
        time.sleep(2)
    raise TimeoutError(f"not quiet after {most} s: {waiting} on the queues, {sends} sends")


def set_aside(deployment: Deployment) -> Iterator[str]:
    """Yield what is on the queues that have to be empty."""
    stack = Stack({**deployment.outputs, "aws_endpoint_url": deployment.cloud.emulator_url})
    urls = {queue: stack.queue_url(queue) for queue in ("quarantine", "stream_failures")}
    urls |= {f"{queue} dead letters": stack.dead_letters_url(queue) for queue in QUEUES}
    for name, url in urls.items():
        for letter in stack.letters(url):
            yield f"{name}: not empty: {letter.body[:200]}"


def main() -> int:
    """Run the soak and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    faults = Faults(
        duplicate_rate=0.1,
        drop_rate=0.05,
        max_extra_delay_seconds=3,
        throttle_rate=0.05,
        seed=options.seed,
    )
    overrides = {
        "apiThrottleRate": "1000",
        "apiThrottleBurst": "1000",
        "outcomeWaitSeconds": str(OUTCOME_WAIT_SECONDS),
    }
    with (
        running_deployment(overrides, faults) as deployment,
        tempfile.TemporaryDirectory() as directory,
    ):
        calls_file = Path(directory) / "calls.jsonl"
        note_calls(deployment, calls_file)
        books = play(deployment, options.messages, options.seed)
        named = places_that_name(PRIVATE, deployment, deployment.log_file, calls_file)
        wrong = [*books.wrong, *set_aside(deployment), *named]
    for line in wrong[:50]:
        print(line)
    statuses = Counter(document["status"] for document in books.documents.values())
    twice = sum(d["outcome"]["delivered_twice"] for d in books.documents.values())
    late = sum(d["outcome"]["delivered_late"] for d in books.documents.values())
    fallbacks = sum(d["fallback"] is not None for d in books.documents.values())
    repeated = sum(count > 1 for count in books.sends.values())
    print(json.dumps(dict(sorted(statuses.items()))))
    print(
        f"soak: {len(books.documents)} messages, {sum(books.sends.values())} sends, "
        f"{fallbacks} fallbacks, {late} late, {twice} arrived twice, "
        f"{repeated} steps repeated, {len(wrong)} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
