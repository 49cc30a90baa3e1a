"""From a valid request to the row that is stored and the content that is sent."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .message import Message, Step, UseCase
from .status import Status

_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class StepContent:
    """What one step sends: the addresses and the channel's own object of the request."""

    channel: str
    sender: str
    recipient: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """A message, and the content of its steps in the same order."""

    message: Message
    contents: tuple[StepContent, ...]


def plan_message(
    request: Mapping[str, Any],
    *,
    message_id: str,
    now: int,
    default_fallback_seconds: int,
    retention_days: int,
    request_hash: str | None = None,
) -> Plan:
    """Lay out the steps of a request that the schema has found valid."""
    further = request["fc"] if isinstance(request["fc"], list) else [request["fc"]]
    wait = _seconds(request.get("fallback_seconds"), default_fallback_seconds)
    steps, contents = [], []
    for index, entry in enumerate([request["pc"], *further]):
        channel = entry["channel"].lower()
        steps.append(
            Step(
                channel=channel,
                fallback_seconds=_seconds(entry.get("fallback_seconds"), wait),
                success_status=Status(entry.get("success_status", Status.DELIVERED)),
                times={Status.QUEUED: now} if index == 0 else {},
            )
        )
        contents.append(
            StepContent(
                channel, entry["sender"], entry["recipient"], _without_blanks(entry[channel])
            )
        )
    message = Message(
        message_id=message_id,
        use_case=UseCase.FALLBACK if request["use_case"] == "fallback" else UseCase.BROADCAST,
        steps=tuple(steps),
        created_at=now,
        expires_at=now // 1000 + retention_days * _DAY_SECONDS,
        request_hash=request_hash,
    )
    return Plan(message, tuple(contents))


def _seconds(value: float | str | None, default: int) -> int:
    """Read a wait that may be a number or a numeric string; fractions are rounded up."""
    return default if value is None else math.ceil(float(value))


def _without_blanks(body: Mapping[str, Any]) -> dict[str, Any]:
    """Drop empty strings: the documented payload names fields that a request leaves blank."""
    return {name: value for name, value in body.items() if value != ""}
