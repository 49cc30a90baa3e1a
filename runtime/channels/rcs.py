"""RCS by AWS End User Messaging: a channel of its own on the SMS service.

Events: https://docs.aws.amazon.com/end-user-messaging/latest/userguide/nx-features-messaging-events.html
"""

from typing import Any, Final

from runtime.domain.plan import StepContent
from runtime.domain.status import DeliveryEvent, FailureClass, Status

from .channel import Channel, ParseContext, Payload, Request, SendContext, renamed
from .sms import REJECTIONS, common_parameters, minimize, parse_by_tables

PREFIX: Final = "RCS_"
PROGRESS_EVENTS: Final = {
    "QUEUED": Status.ACCEPTED,
    "SENT": Status.SENT,
    "DELIVERED": Status.DELIVERED,
    "READ": Status.READ,
    # The SMS that goes out instead is under way; its own events follow.
    "FALLEN_BACK_TO_SMS": Status.SENT,
}
FAILURE_EVENTS: Final[dict[str, tuple[FailureClass, bool | None]]] = {
    "FAILED": (FailureClass.UNREACHABLE, None),
    "TTL_EXPIRED": (FailureClass.EXPIRED, False),
    "PROTECT_BLOCKED": (FailureClass.BLOCKED, True),
}
# SendRcsMessage's bounds of TimeToLive, in seconds.
_TIME_TO_LIVE: Final = (1, 172_800)


def build_request(content: StepContent, context: SendContext) -> Request:
    """Return the call of SendRcsMessage."""
    body = content.body
    parameters: dict[str, Any] = common_parameters(content, context, _TIME_TO_LIVE)
    if "content" in body:
        parameters["RcsMessageContent"] = dict(body["content"])
    elif "file" in body:
        names = {"url": "FileUrl", "thumbnail_url": "ThumbnailUrl"}
        file_message = {"FileMessage": renamed(body["file"], names)}
        parameters["RcsMessageContent"] = {"Content": file_message}
    else:
        text_message = {"TextMessage": {"Body": body["message"]}}
        parameters["RcsMessageContent"] = {"Content": text_message}
    parameters |= renamed(body, {"message_traffic_type": "MessageTrafficType"})
    return Request("send_rcs_message", parameters)


def recognizes(payload: Payload) -> bool:
    """Whether this is an RCS event of a configuration set."""
    return str(payload.get("eventType")).startswith(PREFIX)


def parse(payload: Payload, context: ParseContext) -> list[DeliveryEvent]:
    """Return the event about the step whose context comes back with it."""
    return parse_by_tables("rcs", payload, context, PROGRESS_EVENTS, FAILURE_EVENTS)


RCS: Final = Channel(
    name="rcs",
    service="pinpoint-sms-voice-v2",
    answer_key="MessageId",
    build_request=build_request,
    rejections=REJECTIONS,
    recognizes=recognizes,
    parse=parse,
    minimize=minimize,
)
