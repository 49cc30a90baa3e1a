"""WhatsApp by AWS End User Messaging Social: Meta's Cloud API objects, relayed both ways.

Events: https://docs.aws.amazon.com/social-messaging/latest/userguide/managing-event-destination-dlrs.html
Codes: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

import hashlib
import json
from typing import Any, Final

from runtime.domain.plan import Repairs, StepContent
from runtime.domain.status import DeliveryEvent, FailureClass, Status

from .channel import (
    Channel,
    ParseContext,
    Payload,
    Request,
    SendContext,
    as_list,
    as_object,
    join_reason,
    load_json,
    pick,
    pick_times,
    read_echo,
    read_id,
    read_time,
)

STATUSES: Final = {
    "accepted": Status.ACCEPTED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "played": Status.READ,
    "failed": Status.FAILED,
}
IGNORED_STATUSES: Final = ("deleted", "warning")
# AWS could not hand the message to Meta for 180 minutes; the status is this sentence.
RETRIES_EXHAUSTED: Final = "message retries exhausted"
_FINAL: Final = (Status.DELIVERED, Status.READ, Status.FAILED)

_Failure = tuple[FailureClass, bool | None]
_TEMPLATE: Final[_Failure] = (FailureClass.TEMPLATE_ERROR, True)
_ACCOUNT: Final[_Failure] = (FailureClass.ACCOUNT, True)
_THROTTLED: Final[_Failure] = (FailureClass.THROTTLED, False)
_TROUBLE: Final[_Failure] = (FailureClass.UNKNOWN, False)
FAILURE_CODES: Final[dict[int, _Failure]] = {
    131026: (FailureClass.UNREACHABLE, True),
    131047: (FailureClass.WINDOW_CLOSED, True),
    131050: (FailureClass.OPTED_OUT, True),
    131049: (FailureClass.BLOCKED, False),
    130472: (FailureClass.BLOCKED, True),
    131051: (FailureClass.CONTENT_REJECTED, True),
    131052: (FailureClass.CONTENT_REJECTED, True),
    131053: (FailureClass.CONTENT_REJECTED, True),
    131042: (FailureClass.ACCOUNT, False),
    131048: _THROTTLED,
    131056: _THROTTLED,
    130429: _THROTTLED,
    131064: _THROTTLED,
    80007: _THROTTLED,
    4: _THROTTLED,
    131000: _TROUBLE,
    131016: _TROUBLE,
    131057: _TROUBLE,
    1: _TROUBLE,
    2: _TROUBLE,
    132000: _TEMPLATE,
    132001: _TEMPLATE,
    132005: _TEMPLATE,
    132007: _TEMPLATE,
    132012: _TEMPLATE,
    132015: _TEMPLATE,
    132016: _TEMPLATE,
    132068: _TEMPLATE,
    132069: _TEMPLATE,
    100: (FailureClass.CONTENT_REJECTED, True),
    131008: (FailureClass.CONTENT_REJECTED, True),
    131009: (FailureClass.CONTENT_REJECTED, True),
    130403: (FailureClass.BLOCKED, True),
    0: _ACCOUNT,
    3: _ACCOUNT,
    10: _ACCOUNT,
    33: _ACCOUNT,
    190: _ACCOUNT,
    200: _ACCOUNT,
    368: _ACCOUNT,
    130497: _ACCOUNT,
    131005: _ACCOUNT,
    131031: _ACCOUNT,
    131037: _ACCOUNT,
    131045: _ACCOUNT,
}
# By our table and not by the event's own text, which Meta is going to remove, and may name people.
FAILURE_TITLES: Final[dict[int, str]] = {
    0: "Authentication failed",
    3: "API method not allowed",
    4: "Too many calls",
    10: "Permission denied",
    33: "Parameter value is not valid",
    100: "Invalid parameter",
    190: "Access token has expired",
    200: "API permission missing",
    368: "Temporarily blocked for policies violations",
    80007: "Rate limit issues",
    130429: "Rate limit hit",
    130472: "User's number is part of an experiment",
    130497: "Business account is restricted from messaging users in this country",
    131000: "Something went wrong",
    131005: "Access denied",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131016: "Service unavailable",
    131026: "Message undeliverable",
    131031: "Account has been locked",
    131037: "Display name is not approved",
    131042: "Business eligibility payment issue",
    131045: "Incorrect certificate",
    131047: "Re-engagement message",
    131048: "Spam rate limit hit",
    131049: "Not delivered to maintain healthy ecosystem engagement",
    131050: "User has stopped marketing messages",
    131051: "Unsupported message type",
    131052: "Media download error",
    131053: "Media upload error",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    131057: "Account in maintenance mode",
    132000: "Template parameter count mismatch",
    132001: "Template does not exist",
    132005: "Template text too long",
    132007: "Template format character policy violated",
    132012: "Template parameter format mismatch",
    132015: "Template is paused",
    132016: "Template is disabled",
    132068: "Flow is blocked",
    132069: "Flow is throttled",
}
# Meta's codes have up to six digits; a phone number in E.164 form has seven at the least.
_MOST_CODE: Final = 999_999

REJECTIONS: Final = {
    "AccessDeniedException": FailureClass.CONFIGURATION,
    "AccessDeniedByMetaException": FailureClass.ACCOUNT,
    "InvalidParametersException": FailureClass.CONTENT_REJECTED,
    "LimitExceededException": FailureClass.ACCOUNT,
    "ResourceNotFoundException": FailureClass.CONFIGURATION,
    "ValidationException": FailureClass.CONTENT_REJECTED,
}


# Members of a step's content that are Meta's own objects under the same name.
META_TYPES: Final = (
    "template",
    "image",
    "document",
    "video",
    "audio",
    "sticker",
    "location",
    "contacts",
    "interactive",
)


class UnmappedSenderError(ValueError):
    """The sender is a number, and the stack's whatsAppPhoneNumbers have no id for it."""


def build_request(content: StepContent, context: SendContext) -> Request:
    """Return the call of SendWhatsAppMessage; the message is Meta's Cloud API object as JSON."""
    message = _message(content.body) | {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": content.recipient,
        "biz_opaque_callback_data": f"{context.message_id}:{context.step}",
    }
    sender = context.whatsapp_phone_numbers.get(content.sender, content.sender)
    if sender.startswith("+"):
        raise UnmappedSenderError
    parameters = {
        "originationPhoneNumberId": sender,
        "message": json.dumps(message, ensure_ascii=False).encode(),
        "metaApiVersion": context.meta_api_version,
    }
    return Request("send_whatsapp_message", parameters)


def _message(body: Payload) -> dict[str, Any]:
    """Return the type and the object of that type; a raw object has them already."""
    if "raw" in body:
        return dict(body["raw"])
    for name in META_TYPES:
        if name in body:
            return {"type": name, name: _meta_object(name, body[name])}
    text = {"body": body["message"]} | pick(body, ("preview_url",))
    return {"type": "text", "text": text}


def _meta_object(name: str, given: Any) -> Any:  # noqa: ANN401  any JSON
    # People name a template's language; Meta wants it in an object.
    if name == "template" and isinstance(given.get("language"), str):
        return {**given, "language": {"code": given["language"]}}
    return given


def split_repairs(body: Payload) -> tuple[Payload, Repairs]:
    """Keep the template beside a free text for when the customer's 24 hours are over (131047)."""
    if "message" not in body or "template" not in body:
        return body, {}
    text = {name: value for name, value in body.items() if name != "template"}
    return text, {FailureClass.WINDOW_CLOSED: {"template": body["template"]}}


def recognizes(payload: Payload) -> bool:
    """Whether this is an event of a WhatsApp account, from SNS or from EventBridge."""
    return "whatsAppWebhookEntry" in payload or (
        "wabaId" in payload and "originationPhoneNumberId" in payload
    )


def parse(payload: Payload, context: ParseContext) -> list[DeliveryEvent]:
    """Return the events of all statuses of all changes.

    Raises ValueError if the webhook entry is not JSON.
    """
    if "whatsAppWebhookEntry" not in payload:
        return _parse_status(payload, payload.get("messageId"), None, context)
    events: list[DeliveryEvent] = []
    changes = _changes(payload)
    if not changes:
        return context.ignore("empty_entry")
    for change in changes:
        value = as_object(as_object(change).get("value"))
        is_of_messages = as_object(change).get("field") in (None, "messages")
        statuses = as_list(value.get("statuses")) if is_of_messages else []
        for status in statuses:
            entry = as_object(status)
            events += _parse_status(entry, entry.get("id"), payload.get("messageId"), context)
        if not statuses:
            context.ignore(_other_notice(as_object(change), value))
    return events


def _changes(payload: Payload) -> list[Any]:
    """Return the changes of the webhook's entry, or of all entries where the webhook is whole."""
    entry = payload["whatsAppWebhookEntry"]
    for _ in range(2):  # as a text, once or twice over
        entry = load_json(entry) if isinstance(entry, str | bytes) else entry
    entries = as_list(entry) or as_list(as_object(entry).get("entry")) or [entry]
    return [change for one in entries for change in as_list(as_object(one).get("changes"))]


def _other_notice(change: Payload, value: Payload) -> str:
    if change.get("field") != "messages":
        return "account_notice"
    if "messages" in value:
        return "inbound_message"
    return "value_errors" if "errors" in value else "empty_change"


def _parse_status(
    entry: Payload, entry_id: object, outer_id: object, context: ParseContext
) -> list[DeliveryEvent]:
    name = str(entry.get("status")).lower()
    if entry.get("type", "message") != "message":
        return context.ignore("status_of_no_message")  # of a payment, for example
    if name in IGNORED_STATUSES:
        return context.ignore(name)
    exhausted = name.startswith(RETRIES_EXHAUSTED)
    status = Status.FAILED if exhausted else STATUSES.get(name)
    if status is None:
        return context.ignore("unknown_event_type")
    failure_class: FailureClass | None = None
    permanent: bool | None = None
    reason: str | None = None
    if exhausted:
        failure_class, permanent, reason = FailureClass.EXPIRED, False, "retries exhausted"
    elif status is Status.FAILED:
        failure_class, permanent, reason = _read_errors(entry)
    ids = [id_ for id_ in (read_id(entry_id), read_id(outer_id)) if id_]
    if not ids and not entry.get("biz_opaque_callback_data"):
        return context.ignore("status_without_id")
    message_id, step = _read_echo(str(entry.get("biz_opaque_callback_data", "")))
    return [
        DeliveryEvent(
            channel="whatsapp",
            status=status,
            event_type=RETRIES_EXHAUSTED if exhausted else name,
            final=status in _FINAL,
            provider_message_id=ids[0] if ids else None,
            related_message_id=ids[1] if len(ids) > 1 and ids[1] != ids[0] else None,
            message_id=message_id,
            step=step,
            failure_class=failure_class,
            permanent=permanent,
            reason=reason,
            occurred_at=read_time(entry.get("timestamp", entry.get("eventTimestamp"))),
        )
    ]


def _read_errors(entry: Payload) -> tuple[FailureClass, bool | None, str]:
    """Class the first error by its code."""
    errors = as_list(entry.get("errors"))
    code = _read_code(errors[0] if errors else None)
    if code is None:
        return FailureClass.UNKNOWN, None, "failed without a code"
    failure_class, permanent = FAILURE_CODES.get(code, (FailureClass.UNKNOWN, None))
    return failure_class, permanent, join_reason(str(code), FAILURE_TITLES.get(code)) or ""


def _read_code(error: object) -> int | None:
    try:
        code = int(str(as_object(error).get("code")))
    except ValueError:
        return None
    return code if 0 <= code <= _MOST_CODE else None


def minimize(payload: Payload) -> dict[str, Any]:
    """Leave ids, statuses, times and codes; drop numbers, contacts and inbound messages.

    Raises ValueError if the webhook entry is not JSON.
    """
    if "whatsAppWebhookEntry" not in payload:
        # That they are there says that the event is WhatsApp's.
        present = dict.fromkeys(("wabaId", "originationPhoneNumberId"), "")
        return present | _ids(payload) | _minimize_status(payload)
    changes = []
    for change in _changes(payload):
        value = as_object(as_object(change).get("value"))
        # Of what is no status, only that it was there.
        kept: dict[str, list[Any]] = {name: [] for name in ("messages", "errors") if name in value}
        if "statuses" in value:
            kept["statuses"] = [
                _minimize_status(as_object(status)) for status in as_list(value["statuses"])
            ]
        given = as_object(change)
        field = {"field": "messages" if given.get("field") == "messages" else "other"}
        changes.append((field if given.get("field") is not None else {}) | {"value": kept})
    return _ids(payload) | {
        "whatsAppWebhookEntry": json.dumps({"changes": changes}, separators=(",", ":"))
    }


def _read_echo(echo: str) -> tuple[str | None, int | None]:
    message_id, _, step = echo.partition(":")
    return read_echo(message_id, step)


def _ids(payload: Payload) -> dict[str, Any]:
    """Return the ids that a payload has; of Meta's a digest, because it contains a number."""
    return {
        name: f"wamid-{hashlib.sha256(id_.encode()).hexdigest()[:32]}"
        if id_.startswith("wamid.")
        else id_
        for name in ("id", "messageId")
        if (id_ := read_id(payload.get(name)))
    }


def _minimize_status(entry: Payload) -> dict[str, Any]:
    minimal = _ids(entry) | pick_times(entry, "timestamp", "eventTimestamp")
    minimal["status"] = _known_status(str(entry.get("status")).lower())
    if entry.get("type", "message") != "message":
        minimal["type"] = "other"
    echo = str(entry.get("biz_opaque_callback_data", ""))
    if echo:
        # Another application's may name anybody; that there is one is enough.
        minimal["biz_opaque_callback_data"] = echo if _read_echo(echo)[0] else "of-another"
    if "errors" in entry:
        minimal["errors"] = [{"code": _read_code(error)} for error in as_list(entry["errors"])]
    return minimal


def _known_status(name: str) -> str:
    if name.startswith(RETRIES_EXHAUSTED):
        return RETRIES_EXHAUSTED
    return name if name in STATUSES or name in IGNORED_STATUSES else "other"


WHATSAPP: Final = Channel(
    name="whatsapp",
    service="socialmessaging",
    answer_key="messageId",
    build_request=build_request,
    rejections=REJECTIONS,
    recognizes=recognizes,
    parse=parse,
    minimize=minimize,
    split_repairs=split_repairs,
    echoes_our_id=False,
)
