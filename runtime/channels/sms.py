"""SMS by AWS End User Messaging, and the events that its configuration set publishes.

MMS (MEDIA_*) and voice (VOICE_*) events of the same account are read as SMS.
Events: https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-types.html
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from runtime.domain.plan import StepContent
from runtime.domain.status import DeliveryEvent, FailureClass, Status

from .channel import (
    Channel,
    ParseContext,
    Payload,
    Request,
    SendContext,
    as_object,
    join_reason,
    known,
    pick,
    pick_times,
    read_echo,
    read_id,
    read_time,
    renamed,
)

PREFIXES: Final = ("TEXT_", "MEDIA_", "VOICE_")
# By the event type without its prefix.
PROGRESS_EVENTS: Final = {
    "QUEUED": Status.ACCEPTED,
    "PENDING": Status.ACCEPTED,
    "SENT": Status.SENT,
    "DELIVERED": Status.DELIVERED,
    "INITIATED": Status.SENT,
    "RINGING": Status.SENT,
    "ANSWERED": Status.SENT,
    "COMPLETED": Status.DELIVERED,
    "UNKNOWN": Status.UNKNOWN,
}
# Class, and whether it is permanent. Final or not, `isFinal` says: carriers retry some of them.
FAILURE_EVENTS: Final[dict[str, tuple[FailureClass, bool | None]]] = {
    "INVALID": (FailureClass.INVALID_ADDRESS, True),
    "INVALID_MESSAGE": (FailureClass.CONTENT_REJECTED, True),
    "UNREACHABLE": (FailureClass.UNREACHABLE, False),
    "CARRIER_UNREACHABLE": (FailureClass.UNREACHABLE, False),
    "BLOCKED": (FailureClass.BLOCKED, True),
    "CARRIER_BLOCKED": (FailureClass.BLOCKED, True),
    "SPAM": (FailureClass.CONTENT_REJECTED, True),
    "TTL_EXPIRED": (FailureClass.EXPIRED, False),
    "PROTECT_BLOCKED": (FailureClass.BLOCKED, True),
    "FILE_INACCESSIBLE": (FailureClass.CONTENT_REJECTED, True),
    "FILE_TYPE_UNSUPPORTED": (FailureClass.CONTENT_REJECTED, True),
    "FILE_SIZE_EXCEEDED": (FailureClass.CONTENT_REJECTED, True),
    "BUSY": (FailureClass.UNREACHABLE, False),
    "NO_ANSWER": (FailureClass.UNREACHABLE, False),
    "FAILED": (FailureClass.UNREACHABLE, False),
}
# What `messageStatusDescription` says of failures; anything else is left out.
# https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html#sms_stats_delivery_fail_reasons
STATUS_DESCRIPTIONS: Final = (
    "Blocked as spam by phone carrier",
    "Call busy",
    "Call failed",
    "Call no answer",
    "Call ttl expired",
    "Destination is on a blocked list",
    "Invalid message body",
    "Invalid phone number",
    "Media file is not accessible",
    "Media file is too large",
    "Media file type is not supported",
    "Message blocked by protect configuration",
    "Message body is invalid",
    "Phone carrier has blocked this message",
    "Phone carrier is currently unreachable/unavailable",
    "Phone has blocked SMS",
    "Phone is currently unreachable/unavailable",
    "Phone is on a blocked list",
    "Phone number is opted out",
    "The delivery TTL has expired",
    "This delivery would exceed max price",
    "Unknown error attempting to reach phone",
)

REJECTIONS: Final = {
    "AccessDeniedException": FailureClass.CONFIGURATION,
    "AccessDeniedException/ACCOUNT_DISABLED": FailureClass.ACCOUNT,
    "AccessDeniedException/INSUFFICIENT_ACCOUNT_REPUTATION": FailureClass.ACCOUNT,
    "ConflictException": FailureClass.CONFIGURATION,
    "ConflictException/DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": FailureClass.BLOCKED,
    "ConflictException/DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": (
        FailureClass.BLOCKED
    ),
    "ConflictException/DESTINATION_PHONE_NUMBER_OPTED_OUT": FailureClass.OPTED_OUT,
    "ResourceNotFoundException": FailureClass.CONFIGURATION,
    "ServiceQuotaExceededException": FailureClass.ACCOUNT,
    "ValidationException": FailureClass.CONTENT_REJECTED,
    "ValidationException/CHANNEL_NOT_ENABLED": FailureClass.CONFIGURATION,
    "ValidationException/COUNTRY_CODE_MISMATCH": FailureClass.CONFIGURATION,
    "ValidationException/COUNTRY_NOT_ENABLED": FailureClass.BLOCKED,
    "ValidationException/DESTINATION_COUNTRY_BLOCKED": FailureClass.BLOCKED,
    "ValidationException/INTERNATIONAL_SENDING_NOT_SUPPORTED": FailureClass.CONFIGURATION,
    "ValidationException/INVALID_ARN": FailureClass.CONFIGURATION,
    "ValidationException/INVALID_IDENTITY_FOR_DESTINATION_COUNTRY": FailureClass.CONFIGURATION,
    "ValidationException/PRICE_OVER_THRESHOLD": FailureClass.BLOCKED,
    "ValidationException/RESOURCE_NOT_ACCESSIBLE": FailureClass.CONFIGURATION,
    "ValidationException/SENDER_ID_NOT_REGISTERED": FailureClass.CONFIGURATION,
    "ValidationException/SENDER_ID_NOT_SUPPORTED": FailureClass.CONFIGURATION,
    "ValidationException/SENDER_ID_REQUIRES_REGISTRATION": FailureClass.CONFIGURATION,
}

# The bounds of TimeToLive of texts and media messages, in seconds.
_TIME_TO_LIVE: Final = (5, 259_200)


def build_request(content: StepContent, context: SendContext) -> Request:
    """Return the call of SendTextMessage, or of SendMediaMessage where there are media."""
    body = content.body
    parameters = common_parameters(content, context, _TIME_TO_LIVE)
    parameters |= renamed(body, {"message": "MessageBody"})
    if "media_urls" in body:
        parameters["MediaUrls"] = list(body["media_urls"])
        return Request("send_media_message", parameters)
    parameters["MessageType"] = body.get("message_type", "TRANSACTIONAL")
    if "country_parameters" in body:
        names = {"entity_id": "IN_ENTITY_ID", "template_id": "IN_TEMPLATE_ID"}
        parameters["DestinationCountryParameters"] = renamed(body["country_parameters"], names)
    return Request("send_text_message", parameters)


def common_parameters(
    content: StepContent, context: SendContext, time_to_live: tuple[int, int]
) -> dict[str, Any]:
    """Return what all sends of this service have in common; `time_to_live` are its bounds.

    Where a fallback follows, the message expires before it, unless the request wants otherwise:
    a text that arrives after its fallback is a second message.
    """
    body = content.body
    parameters: dict[str, Any] = {
        "DestinationPhoneNumber": content.recipient,
        "OriginationIdentity": content.sender,
        "Context": {"message_id": context.message_id, "step": str(context.step)},
    }
    configuration_set = body.get("configuration_set") or context.sms_configuration_set
    if configuration_set:
        parameters["ConfigurationSetName"] = configuration_set
    seconds = body.get("time_to_live_seconds", context.time_to_live_seconds)
    if seconds is not None:
        least, most = time_to_live
        parameters["TimeToLive"] = min(most, max(least, seconds))
    # The API refuses a price above the stack's; a message that was taken before is sent below it.
    prices = [price for price in (body.get("max_price"), context.sms_max_price) if price]
    if prices:
        parameters["MaxPrice"] = min(prices, key=Decimal)
    return parameters | renamed(body, {"protect_configuration_id": "ProtectConfigurationId"})


def recognizes(payload: Payload) -> bool:
    """Whether this is an event of an SMS configuration set."""
    return str(payload.get("eventType")).startswith(PREFIXES)


def parse(payload: Payload, context: ParseContext) -> list[DeliveryEvent]:
    """Return the event about the step whose context comes back with it."""
    if str(payload["eventType"]).endswith("_SUCCESSFUL"):
        # Taken by the carrier. Final means that nothing more will come: then it is the delivery,
        # unless the stack wants the handset's own receipt.
        delivered = is_final(payload) and not context.require_handset_receipt
        status = Status.DELIVERED if delivered else Status.SENT
        return parse_by_tables("sms", payload, context, {"SUCCESSFUL": status}, {})
    return parse_by_tables("sms", payload, context, PROGRESS_EVENTS, FAILURE_EVENTS)


def is_final(payload: Payload) -> bool:
    """Whether nothing more will come; the event type does not say so, `isFinal` does."""
    return str(payload.get("isFinal")).lower() == "true"


def parse_by_tables(
    channel: str,
    payload: Payload,
    context: ParseContext,
    progress_events: Mapping[str, Status],
    failure_events: Mapping[str, tuple[FailureClass, bool | None]],
) -> list[DeliveryEvent]:
    """Read an event of this service; the tables are by the event type without its prefix."""
    event_type = str(payload["eventType"])
    name = event_type.partition("_")[2]
    final = is_final(payload)
    failure_class: FailureClass | None = None
    permanent: bool | None = None
    if name in progress_events:
        status = progress_events[name]
    elif name in failure_events:
        failure_class, permanent = failure_events[name]
        status = Status.FAILED if final else Status.DELAYED
    else:
        return context.ignore("unknown_event_type")
    tags = as_object(payload.get("context"))
    message_id, step = read_echo(tags.get("message_id"), tags.get("step"))
    failed = status is Status.FAILED
    return [
        DeliveryEvent(
            channel=channel,
            status=status,
            event_type=event_type,
            final=final,
            provider_message_id=read_id(payload.get("messageId")),
            message_id=message_id,
            step=step,
            failure_class=failure_class if failed else None,
            permanent=permanent if failed else None,
            reason=join_reason(event_type, _description(payload)) if failure_class else None,
            occurred_at=read_time(payload.get("eventTimestamp"))
            or read_time(payload.get("messageRequestTimestamp")),
        )
    ]


def minimize(payload: Payload) -> dict[str, Any]:
    """Leave type, times, codes and our context; drop the numbers."""
    prefix, _, name = str(payload["eventType"]).partition("_")
    minimal: dict[str, Any] = {
        "eventType": f"{prefix}_{name if name in _KNOWN_NAMES else 'OTHER'}",
        "isFinal": is_final(payload),
        **pick_times(payload, "eventTimestamp", "messageRequestTimestamp"),
    }
    if provider_message_id := read_id(payload.get("messageId")):
        minimal["messageId"] = provider_message_id
    tags = as_object(payload.get("context"))
    if read_echo(tags.get("message_id"), tags.get("step"))[0] is not None:
        # Else they are another application's, and may name anybody.
        minimal["context"] = pick(tags, ("message_id", "step"))
    if description := _description(payload):
        minimal["messageStatusDescription"] = description
    return minimal


def _description(payload: Payload) -> str | None:
    return known(payload.get("messageStatusDescription"), STATUS_DESCRIPTIONS)


# Those of RCS too, whose events are minimized here.
_KNOWN_NAMES: Final = {
    *PROGRESS_EVENTS,
    *FAILURE_EVENTS,
    *("FALLEN_BACK_TO_SMS", "READ", "SUCCESSFUL"),
}


SMS: Final = Channel(
    name="sms",
    service="pinpoint-sms-voice-v2",
    answer_key="MessageId",
    build_request=build_request,
    rejections=REJECTIONS,
    recognizes=recognizes,
    parse=parse,
    minimize=minimize,
)
