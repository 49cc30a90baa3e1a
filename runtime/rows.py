"""How rows, content and parked events look in DynamoDB.

Written by hand for the low-level client: rows are small and many, and boto3's own conversion of
types costs more than the call that carries them.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

from .domain.message import FallbackReason, Message, Step, UseCase
from .domain.plan import StepContent
from .domain.status import DeliveryEvent, FailureClass, Status

Item = dict[str, Any]


def encode_key(message: Message) -> Item:
    """Return what never changes in a row."""
    item: Item = {
        "message_id": {"S": message.message_id},
        "use_case": {"S": message.use_case.value},
        "created_at": {"N": str(message.created_at)},
        "expires_at": {"N": str(message.expires_at)},
    }
    if message.request_hash is not None:
        item["request_hash"] = {"S": message.request_hash}
    return item


def encode_state(message: Message) -> Item:
    """Return what changes in a row; `status` is stored for people who read the table."""
    item: Item = {
        "status": {"S": str(message.status)},
        "steps": {"L": [{"M": _encode_step(step)} for step in message.steps]},
        "updated_at": {"N": str(message.updated_at)},
        "version": {"N": str(message.version)},
    }
    if message.cancelled_at is not None:
        item["cancelled_at"] = {"N": str(message.cancelled_at)}
    return item


def decode_message(item: Mapping[str, Any]) -> Message:
    """Return the message of a row."""
    return Message(
        message_id=item["message_id"]["S"],
        use_case=UseCase(item["use_case"]["S"]),
        steps=tuple(_decode_step(step["M"]) for step in item["steps"]["L"]),
        created_at=int(item["created_at"]["N"]),
        expires_at=int(item["expires_at"]["N"]),
        updated_at=int(item["updated_at"]["N"]),
        version=int(item["version"]["N"]),
        cancelled_at=_number(item, "cancelled_at"),
        request_hash=item["request_hash"]["S"] if "request_hash" in item else None,
    )


# Attributes of a step that are left out while they have their default: a write is billed by size.
_STEP_NUMBERS: Final = ("attempt", "released", "lease_until", "due_at", "delay_seconds")
_STEP_CLASSES: Final = ("after", "stop_on")
_STEP_STRINGS: Final = (
    "failure_class",
    "failure_reason",
    "holder",
    "provider_message_id",
    "started_because",
)


def _encode_step(step: Step) -> Item:
    item: Item = {
        "channel": {"S": step.channel},
        "status": {"S": step.status.value},
        "fallback_seconds": {"N": str(step.fallback_seconds)},
        "success_status": {"S": step.success_status.value},
        "times": {"M": {status: {"N": str(at)} for status, at in step.times.items()}},
    }
    for name in _STEP_NUMBERS:
        if getattr(step, name):
            item[name] = {"N": str(getattr(step, name))}
    for name in _STEP_STRINGS:
        if getattr(step, name):
            item[name] = {"S": str(getattr(step, name))}
    if step.stands_for is not None:
        item["stands_for"] = {"N": str(step.stands_for)}
    for name in _STEP_CLASSES:
        if getattr(step, name):
            item[name] = {"S": " ".join(getattr(step, name))}
    if step.stopped:
        item["stopped"] = {"BOOL": True}
    if step.permanent is not None:
        item["permanent"] = {"BOOL": step.permanent}
    return item


def _decode_step(item: Mapping[str, Any]) -> Step:
    failure_class = _string(item, "failure_class")
    started_because = _string(item, "started_because")
    return Step(
        channel=item["channel"]["S"],
        fallback_seconds=int(item["fallback_seconds"]["N"]),
        success_status=Status(item["success_status"]["S"]),
        status=Status(item["status"]["S"]),
        failure_class=FailureClass(failure_class) if failure_class else None,
        failure_reason=_string(item, "failure_reason"),
        permanent=item["permanent"]["BOOL"] if "permanent" in item else None,
        provider_message_id=_string(item, "provider_message_id"),
        times={status: int(at["N"]) for status, at in item["times"]["M"].items()},
        attempt=_number(item, "attempt") or 0,
        released=_number(item, "released") or 0,
        lease_until=_number(item, "lease_until") or 0,
        due_at=_number(item, "due_at"),
        started_because=FallbackReason(started_because) if started_because else None,
        holder=_string(item, "holder"),
        stands_for=_number(item, "stands_for"),
        after=_classes(item, "after"),
        delay_seconds=_number(item, "delay_seconds") or 0,
        stop_on=_classes(item, "stop_on"),
        stopped=_was_stopped(item),
    )


def _was_stopped(item: Mapping[str, Any]) -> bool:
    """Read whether a stop has come; older rows say so by their failure alone."""
    stops = _string(item, "failure_class") in (_string(item, "stop_on") or "").split()
    return "stopped" in item or stops


def _classes(item: Mapping[str, Any], name: str) -> tuple[FailureClass, ...]:
    return tuple(FailureClass(value) for value in (_string(item, name) or "").split())


def _number(item: Mapping[str, Any], name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None


def _string(item: Mapping[str, Any], name: str) -> str | None:
    return str(item[name]["S"]) if name in item else None


def encode_contents(contents: tuple[StepContent, ...]) -> bytes:
    """Pack the content of all steps; compressed, because a write is billed by size.

    What several steps send (a retry sends the same again) is there once.
    """
    unique = {id(content): content for content in contents}
    position = {key: index for index, key in enumerate(unique)}
    packed = {
        "contents": [
            {
                "channel": content.channel,
                "sender": content.sender,
                "recipient": content.recipient,
                "body": content.body,
            }
            for content in unique.values()
        ],
        "steps": [position[id(content)] for content in contents],
    }
    return zlib.compress(json.dumps(packed, ensure_ascii=False).encode())


def decode_contents(packed: bytes) -> tuple[StepContent, ...]:
    """Unpack the content of all steps."""
    unpacked = json.loads(zlib.decompress(packed))
    contents = [StepContent(**content) for content in unpacked["contents"]]
    return tuple(contents[position] for position in unpacked["steps"])


def encode_event(event: DeliveryEvent) -> str:
    """Write an event that has to wait for its message."""
    return json.dumps(
        {
            "channel": event.channel,
            "status": event.status,
            "event_type": event.event_type,
            "final": event.final,
            "provider_message_id": event.provider_message_id,
            "related_message_id": event.related_message_id,
            "failure_class": event.failure_class,
            "permanent": event.permanent,
            "reason": event.reason,
            "occurred_at": event.occurred_at,
        }
    )


def decode_event(text: str) -> DeliveryEvent:
    """Read an event that has waited for its message."""
    values = json.loads(text)
    failure_class = values.pop("failure_class")
    return DeliveryEvent(
        **values | {"status": Status(values["status"])},
        failure_class=FailureClass(failure_class) if failure_class else None,
    )
