"""The channels, and the one way from a provider's payload to delivery events."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from runtime.domain.status import DeliveryEvent

from .channel import Channel, ParseContext, load_json
from .email import EMAIL
from .rcs import RCS
from .sms import SMS
from .whatsapp import WHATSAPP

CHANNELS: Final[Mapping[str, Channel]] = {
    channel.name: channel for channel in (EMAIL, SMS, WHATSAPP, RCS)
}

# SES sends this as plain text when an event destination is made.
_SES_TOPIC_VALIDATED: Final = "Successfully validated SNS topic"


class UnparseableEventError(ValueError):
    """What came is not an event at all: no JSON, or JSON broken inside."""


def parse_event(
    payload: str | bytes | Mapping[str, Any], context: ParseContext | None = None
) -> list[DeliveryEvent]:
    """Read a provider's payload: bare, or in an SNS, SNS-to-Lambda or EventBridge envelope.

    Returns no events for JSON that it does not know, and counts it by reason in the context.
    Raises UnparseableEventError for what is not an event at all.
    """
    context = context or ParseContext()
    events: list[DeliveryEvent] = []
    for body in _unwrap(payload):
        channel = _channel_of(body)
        if channel is None:
            context.ignore("topic_validated" if body is _VALIDATED else "unrecognized")
            continue
        try:
            events += channel.parse(body, context)
        except ValueError as error:
            raise UnparseableEventError(f"broken {channel.name} event") from error
    return events


def minimize_event(payload: str) -> str:
    """Return what the stream may carry of a payload: no address, no number, no content.

    What is no event keeps nothing but its size and digest, and is unparseable like before.
    """
    try:
        bodies = list(_unwrap(payload))
        minimal = [
            channel.minimize(body) if (channel := _channel_of(body)) else {} for body in bodies
        ]
    except Exception:  # noqa: BLE001  one event must not hold up the 499 that are relayed with it
        data = payload.encode("utf-8", "surrogatepass")
        return f"unparseable: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}"
    if bodies and bodies[0] is _VALIDATED:
        return _SES_TOPIC_VALIDATED
    return json.dumps(
        minimal[0] if len(minimal) == 1 else {"Records": minimal}, separators=(",", ":")
    )


_VALIDATED: Final[Mapping[str, Any]] = {"topic": "validated"}


def _channel_of(body: Mapping[str, Any]) -> Channel | None:
    return next((channel for channel in CHANNELS.values() if channel.recognizes(body)), None)


def _unwrap(payload: object) -> Iterator[Mapping[str, Any]]:
    """Yield the provider's own JSON objects; {} for JSON that is no object."""
    if isinstance(payload, str | bytes):
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else payload
        if text.strip().startswith(_SES_TOPIC_VALIDATED):
            yield _VALIDATED
            return
        try:
            payload = load_json(text)
        except (ValueError, RecursionError) as error:
            raise UnparseableEventError("not JSON") from error
    if not isinstance(payload, Mapping):
        yield {}
    elif isinstance(payload.get("Records"), list):
        for record in payload["Records"]:
            yield from _unwrap(record)
    elif isinstance(payload.get("Sns"), Mapping):
        yield from _unwrap(payload["Sns"].get("Message"))
    elif "Message" in payload and {"TopicArn", "Type", "MessageId"} & payload.keys():
        yield from _unwrap(payload["Message"])
    elif "detail-type" in payload and isinstance(payload.get("detail"), Mapping):
        yield payload["detail"]
    else:
        yield payload
