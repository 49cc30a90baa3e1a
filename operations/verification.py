"""Whether a stack really sends and hears of it: one message to each service's own simulator.

What no test without an account can show: that policies, key and event destinations are as AWS
wants them. A receipt in the row proves all of them at once; without one, the way is looked at from
its beginning to its end.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.api import Answer, Call
from operations.stack import Stack
from runtime.domain.status import FailureClass

# https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
MAIL_RECIPIENT: Final = "success@simulator.amazonses.com"
# United States; an origination number of the simulator sends to numbers of its own country only.
# https://docs.aws.amazon.com/sms-voice/latest/userguide/test-phone-numbers.html
TEXT_RECIPIENT: Final = "+14254147755"
_PAUSE_SECONDS: Final = 2
# Where to look for what a provider has refused at once, by the class of the failure.
_REFUSALS: Final = {
    "configuration": "the sender's role (sesIdentities, smsOriginationIdentities), the sender "
    "itself, or the configuration set",
    "account": "the account: paused, or its spend limit is reached",
    "throttled": "the account's rate or daily quota",
    "opted_out": "the opt-out list of the number or pool",
}
# What it says that a queue has grown, before the send and after it.
_BEFORE_THE_SEND: Final = {
    "intake dead letters": "make dead-letters: send-primary gave up on it",
    "timers dead letters": "make dead-letters: send-fallback gave up on it",
    "intake": "send-primary does not take its messages: its errors, its throttles (quota "
    "L-B99A9384), its event source mapping",
}
_AFTER_THE_SEND: Final = {
    "events dead letters": "make dead-letters: the relay gave up, or SNS could not deliver to the "
    "queue (the queue's policy, or the key's for sns.amazonaws.com)",
    "quarantine": "make quarantine: the event could not be read",
    "stream_failures": "make quarantine: the normalizer could not apply a batch",
    "events": "relay-events does not take its messages: its errors and throttles",
}


@dataclass(frozen=True)
class Probe:
    """One message to a simulator: by `channel`, from `sender`."""

    channel: str
    sender: str
    recipient: str

    def __str__(self) -> str:
        return f"{self.channel} to {self.recipient}"

    def request(self) -> dict[str, Any]:
        """Return the request; the second step, which a chain must have, is never sent."""
        text = "A test of the delivery receipts."
        contents: dict[str, dict[str, str]] = {
            "email": {"subject": "Test", "text": text},
            "sms": {"message": text},
        }
        step = {
            "channel": self.channel,
            "sender": self.sender,
            "recipient": self.recipient,
            self.channel: contents[self.channel],
        }
        return {
            "use_case": "fallback",
            # Longer than this waits, and it cancels the message in the end.
            "fallback_seconds": 3_600,
            "on_failure": dict.fromkeys(FailureClass, "stop"),
            "pc": step,
            "fc": step,
        }


@dataclass(frozen=True)
class Finding:
    """How far a probe has come, and where to look if it has not arrived."""

    probe: Probe
    arrived: bool
    text: str
    places: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.probe}: {self.text}", *(f"  {place}" for place in self.places)])


def verify(stack: Stack, call: Call, probe: Probe, wait_seconds: int) -> Finding:
    """Send a probe and wait for its receipt. Raises StackError if the API does not answer."""
    before = _depths(stack)
    taken = call("POST", "/messages", probe.request())
    if taken.status != 202:  # noqa: PLR2004  accepted
        return Finding(probe, arrived=False, text="not accepted", places=tuple(_refusal(taken)))
    path = f"/messages/{taken.document['message_id']}"
    until = time.monotonic() + wait_seconds
    step = _first_step(call, path)
    while not _is_decided(step) and time.monotonic() < until:
        time.sleep(_PAUSE_SECONDS)
        step = _first_step(call, path)
    if _has_receipt(step):
        return _received(probe, step)
    call("POST", f"{path}/cancel", None)
    text, places = _explained(stack, probe, step, before, wait_seconds)
    return Finding(
        probe, arrived=False, text=text, places=(*places, f"id {path.rpartition('/')[2]}")
    )


def _received(probe: Probe, step: Mapping[str, Any]) -> Finding:
    status = str(step["status"])
    if status == "failed":
        # The way back is right, and what came over it is not.
        return Finding(probe, arrived=False, text=f"a receipt says failed: {_failure(step)}")
    return Finding(probe, arrived=True, text=f"a receipt says {status}")


def _first_step(call: Call, path: str) -> Mapping[str, Any]:
    answer = call("GET", path, None)
    steps = answer.document.get("steps") or [{}]
    return dict(steps[0])


def _has_receipt(step: Mapping[str, Any]) -> bool:
    """Whether an event has changed the row: `accepted` is the answer to the send."""
    sent = bool(step.get("provider_message_id"))
    return sent and step.get("status") not in (None, "queued", "accepted", "unknown")


def _is_decided(step: Mapping[str, Any]) -> bool:
    # Arrived is more than sent; and what was refused gets no receipt.
    return step.get("status") in ("delivered", "read", "complained", "failed")


def _refusal(answer: Answer) -> Iterator[str]:
    yield f"the API answered {answer.status}: {answer.document.get('detail') or 'no reason'}"
    for fault in answer.document.get("errors", []):
        yield f"{fault.get('pointer')}: {fault.get('detail')}"
    if answer.status == 403 and not answer.document.get("errors"):  # noqa: PLR2004  forbidden
        yield "the key, allowedCidrs, or with IAM authorization the caller's send_policy"
    if answer.status >= 500:  # noqa: PLR2004  the server's
        yield "message-api: its errors, its role, or its throttles (quota L-B99A9384)"


def _explained(
    stack: Stack,
    probe: Probe,
    step: Mapping[str, Any],
    before: Mapping[str, int],
    wait_seconds: int,
) -> tuple[str, list[str]]:
    depths = _depths(stack)

    def grown(queues: Mapping[str, str]) -> list[str]:
        return [f"{q} has grown: {what}" for q, what in queues.items() if depths[q] > before[q]]

    if step.get("status") == "failed":
        where = _REFUSALS.get(str((step.get("failure") or {}).get("class")))
        return f"refused by the provider: {_failure(step)}", [f"look at {where}"] if where else []
    if not step.get("provider_message_id"):
        last = (
            "send-primary: its errors (AccessDenied: its role or the key) and its throttles; the "
            "account's quotas below"
        )
        return f"not sent within {wait_seconds} s", [*grown(_BEFORE_THE_SEND), last]
    text = f"sent, but no event has changed the row within {wait_seconds} s"
    stopped = grown(_AFTER_THE_SEND)
    if stopped:
        return text, stopped
    fault = _destination_fault(stack, probe.channel)
    if fault:
        return text, [f"the event destination: {fault}"]
    service = "ses" if probe.channel == "email" else "sms-voice"
    policies = (
        f"the topic's policy must let {service}.amazonaws.com publish, and the key's let it use "
        f"kms:GenerateDataKey and kms:Decrypt, both from this account"
    )
    return text, [
        "no event is on the queues, and the event destination is right",
        policies,
        "or the events are late, or were applied to no row: see normalize-events' errors",
    ]


def _failure(step: Mapping[str, Any]) -> str:
    failure = step.get("failure") or {}
    reason = f" ({failure['reason']})" if failure.get("reason") else ""
    return f"{failure.get('class') or 'unknown'}{reason}"


def _depths(stack: Stack) -> dict[str, int]:
    urls = {queue: stack.queue_url(queue) for queue in ("intake", "events")}
    urls |= {queue: stack.queue_url(queue) for queue in ("quarantine", "stream_failures")}
    urls |= {
        f"{queue} dead letters": stack.dead_letters_url(queue)
        for queue in ("intake", "timers", "events")
    }
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    depths = {}
    for name, url in urls.items():
        found = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        depths[name] = sum(int(found[each]) for each in names)
    return depths


def _destination_fault(stack: Stack, channel: str) -> str:
    """Say what is wrong with the event destination; "" if nothing is, or it cannot be read."""
    topic = stack.output("events_topic_arn")
    service = "ses" if channel == "email" else "sms"
    # By the name of this project's program, or of the component's attribute.
    outputs = (f"{service}_configuration_set", f"{service}_config_set_name")
    name = next((str(stack.outputs[each]) for each in outputs if each in stack.outputs), None)
    if name is None:
        return ""
    if not name:
        return "the stack sends without a configuration set, so that no event is published"
    try:
        found = list(_destinations(stack, channel, name))
    except (BotoCoreError, ClientError):
        return ""
    to_topic = [destination for destination in found if _topic_of(destination) == topic]
    if not to_topic:
        return f"{name} has none to {topic}"
    if not any(destination.get("Enabled") for destination in to_topic):
        return f"the one of {name} to {topic} is disabled"
    return ""


def _destinations(stack: Stack, channel: str, name: str) -> Iterator[Mapping[str, Any]]:
    if channel == "email":
        answer = stack.client("sesv2").get_configuration_set_event_destinations(
            ConfigurationSetName=name
        )
        yield from answer["EventDestinations"]
        return
    answer = stack.client("pinpoint-sms-voice-v2").describe_configuration_sets(
        ConfigurationSetNames=[name]
    )
    for configuration_set in answer["ConfigurationSets"]:
        yield from configuration_set["EventDestinations"]


def _topic_of(destination: Mapping[str, Any]) -> str:
    return str((destination.get("SnsDestination") or {}).get("TopicArn", ""))
