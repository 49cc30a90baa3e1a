"""Email by Amazon SES (API v2), and the events that its configuration set publishes.

Events: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

import base64
import hashlib
import json
import re
from email.utils import formataddr
from typing import Any, Final

from runtime.domain.plan import StepContent
from runtime.domain.status import DeliveryEvent, FailureClass, Status

from .channel import (
    Channel,
    ParseContext,
    Payload,
    Request,
    SendContext,
    as_list,
    as_object,
    pick,
    read_echo,
    read_id,
    read_time,
    renamed,
    short_reason,
)

# The value: class, and whether it is permanent (None where SES does not know).
Failure = tuple[FailureClass, bool | None]

BOUNCES: Final[dict[tuple[str, str], Failure]] = {
    ("Permanent", "General"): (FailureClass.INVALID_ADDRESS, True),
    ("Permanent", "NoEmail"): (FailureClass.INVALID_ADDRESS, True),
    ("Permanent", "Suppressed"): (FailureClass.SUPPRESSED, True),
    ("Permanent", "OnAccountSuppressionList"): (FailureClass.SUPPRESSED, True),
    ("Permanent", "OnTenantSuppressionList"): (FailureClass.SUPPRESSED, True),
    ("Permanent", "EmailValidationSuppressed"): (FailureClass.SUPPRESSED, True),
    ("Permanent", "UnsubscribedRecipient"): (FailureClass.OPTED_OUT, True),
    ("Transient", "General"): (FailureClass.UNREACHABLE, False),
    ("Transient", "MailboxFull"): (FailureClass.UNREACHABLE, False),
    ("Transient", "MessageTooLarge"): (FailureClass.CONTENT_REJECTED, False),
    ("Transient", "CustomTimeoutExceeded"): (FailureClass.EXPIRED, False),
    ("Transient", "ContentRejected"): (FailureClass.CONTENT_REJECTED, False),
    ("Transient", "AttachmentRejected"): (FailureClass.CONTENT_REJECTED, False),
    ("Undetermined", "Undetermined"): (FailureClass.UNKNOWN, None),
}
# For the subtypes that SES adds later.
BOUNCES_OF_TYPE: Final[dict[str, Failure]] = {
    "Permanent": (FailureClass.INVALID_ADDRESS, True),
    "Transient": (FailureClass.UNREACHABLE, False),
    "Undetermined": (FailureClass.UNKNOWN, None),
}
# Event types that say no more than their name: the status, and whether more can come.
PLAIN_EVENTS: Final[dict[str, tuple[Status, bool]]] = {
    "Send": (Status.SENT, False),
    "DeliveryDelay": (Status.DELAYED, False),
    "Delivery": (Status.DELIVERED, True),
    "Open": (Status.READ, True),
    "Click": (Status.READ, True),
}
FAILURE_EVENTS: Final[dict[str, Failure]] = {
    "Reject": (FailureClass.CONTENT_REJECTED, True),
    "Rendering Failure": (FailureClass.TEMPLATE_ERROR, True),
}
IGNORED_EVENTS: Final = ("Subscription", "AmazonSnsSubscriptionSucceeded")
# SES accepts the message, does not try, and calls it a complaint.
SUPPRESSED_COMPLAINT: Final = "OnAccountSuppressionList"

REJECTIONS: Final = {
    "AccessDeniedException": FailureClass.CONFIGURATION,
    "AccountSuspendedException": FailureClass.ACCOUNT,
    "BadRequestException": FailureClass.CONTENT_REJECTED,
    "LimitExceededException": FailureClass.THROTTLED,
    "MailFromDomainNotVerifiedException": FailureClass.CONFIGURATION,
    "MessageRejected": FailureClass.CONTENT_REJECTED,
    "NotFoundException": FailureClass.CONFIGURATION,
    "SendingPausedException": FailureClass.ACCOUNT,
}


def build_request(content: StepContent, context: SendContext) -> Request:
    """Return the call of SES SendEmail."""
    body = content.body
    others = {"cc": "CcAddresses", "bcc": "BccAddresses"}
    message = {"Template": _template(body)} if "template" in body else {"Simple": _simple(body)}
    (part,) = message.values()
    if "headers" in body:
        part["Headers"] = [
            {"Name": name, "Value": value} for name, value in body["headers"].items()
        ]
    if "attachments" in body:
        part["Attachments"] = [_attachment(attachment) for attachment in body["attachments"]]
    tags = {"message_id": context.message_id, "step": str(context.step)}
    if "cc" in body or "bcc" in body:
        tags["recipient"] = recipient_digest(context.message_id, content.recipient)
    parameters: dict[str, Any] = {
        "FromEmailAddress": _encoded(content.sender),
        "Destination": {"ToAddresses": [content.recipient], **renamed(body, others)},
        "Content": message,
        "EmailTags": [{"Name": name, "Value": value} for name, value in tags.items()],
    }
    configuration_set = body.get("configuration_set") or context.ses_configuration_set
    if configuration_set:
        parameters["ConfigurationSetName"] = configuration_set
    if "reply_to" in body:
        reply_to = body["reply_to"]
        parameters["ReplyToAddresses"] = reply_to if isinstance(reply_to, list) else [reply_to]
    if "list_management" in body:
        names = {"contact_list_name": "ContactListName", "topic_name": "TopicName"}
        parameters["ListManagementOptions"] = renamed(body["list_management"], names)
    parameters |= renamed(body, {"tenant": "TenantName"})
    return Request("send_email", parameters)


def recipient_digest(message_id: str, address: str) -> str:
    """Name a recipient within a message without saying who it is.

    Mail with copies gets events about each recipient; only those about the first one count.
    """
    return hashlib.sha256(f"{message_id}:{address.lower()}".encode()).hexdigest()[:16]


def _attachment(attachment: Payload) -> dict[str, Any]:
    names = {
        "file_name": "FileName",
        "content_type": "ContentType",
        "content_id": "ContentId",
        "description": "ContentDescription",
    }
    disposition = "INLINE" if "content_id" in attachment else "ATTACHMENT"
    return {
        "RawContent": base64.b64decode(attachment["content"]),
        "ContentDisposition": disposition,
        "ContentTransferEncoding": "BASE64",
        **renamed(attachment, names),
    }


def split_sender(sender: str) -> tuple[str, str]:
    """Return display name and address of a sender that the schema has found valid.

    By hand: email.utils.parseaddr takes a comma in the name for the end of an address.
    """
    name, bracket, address = sender.rpartition("<")
    if not bracket:
        return "", sender
    return name.strip().strip('"').strip(), address.removesuffix(">")


def _encoded(sender: str) -> str:
    """Encode a display name as SES wants it: quoted, or by RFC 2047 where it is not ASCII."""
    name, address = split_sender(sender)
    return formataddr((name, address)) if name else address


def _template(body: Payload) -> dict[str, Any]:
    data = json.dumps(body.get("template_data", {}), ensure_ascii=False)
    return {"TemplateName": body["template"], "TemplateData": data}


def _simple(body: Payload) -> dict[str, Any]:
    parts = {"Text": body.get("text"), "Html": body.get("html")}
    return {
        "Subject": _utf8(body["subject"]),
        "Body": {name: _utf8(text) for name, text in parts.items() if text is not None},
    }


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def recognizes(payload: Payload) -> bool:
    """Whether this is an SES event, or a notification of the older feedback form."""
    return ("eventType" in payload or "notificationType" in payload) and (
        "mail" in payload or _event_type(payload) in IGNORED_EVENTS
    )


def _event_type(payload: Payload) -> str:
    # Identities without event publishing call it notificationType.
    return str(payload.get("eventType") or payload.get("notificationType"))


# Where the event's own object stands. SES writes `failure` for a Rendering Failure.
_DETAILS: Final = {
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Delivery": "delivery",
    "DeliveryDelay": "deliveryDelay",
    "Open": "open",
    "Click": "click",
    "Reject": "reject",
    "Rendering Failure": "failure",
}


def parse(payload: Payload, context: ParseContext) -> list[DeliveryEvent]:
    """Return the event about the step whose tags come back with it."""
    event_type = _event_type(payload)
    mail = as_object(payload.get("mail"))
    detail = as_object(payload.get(_DETAILS.get(event_type, "")))
    if event_type in IGNORED_EVENTS:
        return context.ignore(event_type)
    permanent: bool | None = None
    failure_class: FailureClass | None = None
    reason: str | None = None
    if event_type in PLAIN_EVENTS:
        status, final = PLAIN_EVENTS[event_type]
        if status is Status.DELAYED:
            reason = short_reason(detail.get("delayType"))
    elif event_type in FAILURE_EVENTS:
        status, final = Status.FAILED, True
        failure_class, permanent = FAILURE_EVENTS[event_type]
        reason = short_reason(event_type, detail.get("reason") or detail.get("errorMessage"))
    elif event_type == "Bounce":
        status, final = Status.FAILED, True
        kind = (str(detail.get("bounceType")), str(detail.get("bounceSubType")))
        failure_class, permanent = BOUNCES.get(kind) or BOUNCES_OF_TYPE.get(
            kind[0], (FailureClass.UNKNOWN, None)
        )
        words = (short_reason("/".join(kind)), _enhanced_status(detail))
        reason = ": ".join(word for word in words if word)
    elif event_type == "Complaint":
        if detail.get("complaintFeedbackType") == "not-spam":
            return context.ignore("not-spam")
        final = True
        if detail.get("complaintSubType") == SUPPRESSED_COMPLAINT:
            status, failure_class, permanent = Status.FAILED, FailureClass.SUPPRESSED, True
            reason = SUPPRESSED_COMPLAINT
        else:
            status = Status.COMPLAINED
            reason = short_reason(detail.get("complaintFeedbackType")) or None
    else:
        return context.ignore("unknown_event_type")
    tags = as_object(mail.get("tags"))
    message_id, step = read_echo(_first(tags.get("message_id")), _first(tags.get("step")))
    wanted, found = _first(tags.get("recipient")), _recipients(detail, message_id)
    # Opens and clicks do not say whose they are: of mail with copies they may be anybody's.
    of_anybody = event_type in ("Open", "Click")
    if message_id and wanted and (of_anybody or (found and wanted not in found)):
        return context.ignore("other_recipient")
    return [
        DeliveryEvent(
            channel="email",
            status=status,
            event_type=event_type,
            final=final,
            provider_message_id=read_id(mail.get("messageId")),
            message_id=message_id,
            step=step,
            failure_class=failure_class,
            permanent=permanent,
            reason=reason,
            occurred_at=read_time(detail.get("timestamp")) or read_time(mail.get("timestamp")),
        )
    ]


_ENHANCED_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


def _enhanced_status(bounce: Payload) -> str | None:
    """Return the first recipient's status code ("5.1.1"); the diagnostic text names the address."""
    for recipient in as_list(bounce.get("bouncedRecipients")):
        status = str(as_object(recipient).get("status"))
        if _ENHANCED_STATUS.fullmatch(status):
            return status
    return None


def _recipients(detail: Payload, message_id: str | None) -> list[str]:
    """Return the digests of the recipients that an event is about, where it names them."""
    if message_id is None:
        return []
    named = (
        detail.get("recipients")
        or detail.get("bouncedRecipients")
        or detail.get("complainedRecipients")
        or detail.get("delayedRecipients")
    )
    digests = []
    for recipient in as_list(named):
        if isinstance(recipient, str):
            digests.append(recipient_digest(message_id, recipient))
        elif as_object(recipient).get("digest"):
            digests.append(str(recipient["digest"]))
        elif as_object(recipient).get("emailAddress"):
            digests.append(recipient_digest(message_id, str(recipient["emailAddress"])))
    return digests


def _first(values: object) -> object:
    return values[0] if isinstance(values, list) and values else values


_KEPT_OF_DETAIL: Final = (
    "bounceType",
    "bounceSubType",
    "complaintFeedbackType",
    "complaintSubType",
    "delayType",
    "reason",
    "timestamp",
)


def minimize(payload: Payload) -> dict[str, Any]:
    """Leave type, times, codes and our tags; drop addresses, headers, links and user agents."""
    event_type = _event_type(payload)
    name = _DETAILS.get(event_type, "")
    mail, detail = as_object(payload.get("mail")), as_object(payload.get(name))
    minimal = pick(payload, ("eventType", "notificationType"))
    minimal["mail"] = pick(mail, ("messageId", "timestamp"))
    tags = as_object(mail.get("tags"))
    message_id, _ = read_echo(_first(tags.get("message_id")), _first(tags.get("step")))
    if message_id is not None:  # else they are another application's, and may name anybody
        minimal["mail"]["tags"] = pick(tags, ("message_id", "step", "recipient"))
    if detail:
        minimal[name] = pick(detail, _KEPT_OF_DETAIL)
        if "errorMessage" in detail:
            minimal[name]["errorMessage"] = short_reason(detail["errorMessage"])
        status = _enhanced_status(detail)
        if status:
            minimal[name]["bouncedRecipients"] = [{"status": status}]
        if message_id is not None and "recipient" in tags:
            minimal[name].setdefault("bouncedRecipients", []).extend(
                {"digest": digest} for digest in _recipients(detail, message_id)
            )
    return minimal


EMAIL: Final = Channel(
    name="email",
    service="sesv2",
    answer_key="MessageId",
    build_request=build_request,
    rejections=REJECTIONS,
    recognizes=recognizes,
    parse=parse,
    minimize=minimize,
)
