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
    join_reason,
    known,
    pick,
    pick_times,
    read_echo,
    read_id,
    read_time,
    renamed,
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
# Words that SES documents. What it does not document is left out of reasons and of the stream.
DELAY_TYPES: Final = (
    "InternalFailure",
    "General",
    "MailboxFull",
    "SpamDetected",
    "RecipientServerError",
    "IPFailure",
    "TransientCommunicationFailure",
    "BYOIPHostNameLookupUnavailable",
    "Undetermined",
    "SendingDeferral",
)
COMPLAINT_TYPES: Final = ("abuse", "auth-failure", "fraud", "not-spam", "other", "virus")
REJECT_REASONS: Final = ("Bad content",)
# The rest of the sentence names the attribute, in the words of a caller.
_MISSING_ATTRIBUTE: Final = "is not present in the rendering data"
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
            reason = known(detail.get("delayType"), DELAY_TYPES)
    elif event_type in FAILURE_EVENTS:
        status, final = Status.FAILED, True
        failure_class, permanent = FAILURE_EVENTS[event_type]
        reason = join_reason(event_type, _known_reason(detail))
    elif event_type == "Bounce":
        status, final = Status.FAILED, True
        kind = (str(detail.get("bounceType")), str(detail.get("bounceSubType")))
        failure_class, permanent = BOUNCES.get(kind) or BOUNCES_OF_TYPE.get(
            kind[0], (FailureClass.UNKNOWN, None)
        )
        reason = join_reason("/".join(_known_kind(detail)), _enhanced_status(detail))
    elif event_type == "Complaint":
        if detail.get("complaintFeedbackType") == "not-spam":
            return context.ignore("not-spam")
        final = True
        if detail.get("complaintSubType") == SUPPRESSED_COMPLAINT:
            status, failure_class, permanent = Status.FAILED, FailureClass.SUPPRESSED, True
            reason = SUPPRESSED_COMPLAINT
        else:
            status = Status.COMPLAINED
            reason = known(detail.get("complaintFeedbackType"), COMPLAINT_TYPES)
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


def _known_kind(bounce: Payload) -> tuple[str, str]:
    """Return type and subtype of a bounce; "other" where SES has added one since."""
    return (
        known(bounce.get("bounceType"), BOUNCES_OF_TYPE) or "other",
        known(bounce.get("bounceSubType"), [subtype for _, subtype in BOUNCES]) or "other",
    )


def _known_reason(detail: Payload) -> str | None:
    missing = _MISSING_ATTRIBUTE in str(detail.get("errorMessage"))
    return (
        f"an attribute {_MISSING_ATTRIBUTE}"
        if missing
        else known(detail.get("reason"), REJECT_REASONS)
    )


_ENHANCED_STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_DIGEST: Final = re.compile(r"[0-9a-f]{16}")


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
        elif _is_digest(as_object(recipient).get("digest")):
            digests.append(str(recipient["digest"]))
        elif as_object(recipient).get("emailAddress"):
            digests.append(recipient_digest(message_id, str(recipient["emailAddress"])))
    return digests


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _first(values: object) -> object:
    return values[0] if isinstance(values, list) and values else values


def minimize(payload: Payload) -> dict[str, Any]:
    """Leave type, times, codes and our tags; drop addresses, headers, links and user agents."""
    event_type = _event_type(payload)
    name = _DETAILS.get(event_type, "")
    mail, detail = as_object(payload.get("mail")), as_object(payload.get(name))
    known_type = known(event_type, (*PLAIN_EVENTS, *_DETAILS, *IGNORED_EVENTS)) or "other"
    minimal: dict[str, Any] = {
        member: known_type for member in ("eventType", "notificationType") if member in payload
    }
    minimal["mail"] = pick_times(mail, "timestamp")
    if message_id_of_ses := read_id(mail.get("messageId")):
        minimal["mail"]["messageId"] = message_id_of_ses
    tags = as_object(mail.get("tags"))
    message_id, _ = read_echo(_first(tags.get("message_id")), _first(tags.get("step")))
    if message_id is not None:  # else they are another application's, and may name anybody
        minimal["mail"]["tags"] = pick(tags, ("message_id", "step"))
        if _is_digest(_first(tags.get("recipient"))):
            minimal["mail"]["tags"]["recipient"] = _first(tags["recipient"])
    if detail:
        minimal[name] = pick_times(detail, "timestamp") | _known_words(event_type, detail)
        status = _enhanced_status(detail)
        if status:
            minimal[name]["bouncedRecipients"] = [{"status": status}]
        if message_id is not None and "recipient" in tags:
            minimal[name].setdefault("bouncedRecipients", []).extend(
                {"digest": digest} for digest in _recipients(detail, message_id)
            )
    return minimal


def _known_words(event_type: str, detail: Payload) -> dict[str, str]:
    """Return the words of an event's detail that `parse` reads."""
    kind, subtype = _known_kind(detail) if event_type == "Bounce" else (None, None)
    reason = _known_reason(detail)
    words = {
        "bounceType": kind,
        "bounceSubType": subtype,
        "complaintFeedbackType": known(detail.get("complaintFeedbackType"), COMPLAINT_TYPES),
        "complaintSubType": known(detail.get("complaintSubType"), (SUPPRESSED_COMPLAINT,)),
        "delayType": known(detail.get("delayType"), DELAY_TYPES),
        "reason" if known(reason, REJECT_REASONS) else "errorMessage": reason,
    }
    return {name: word for name, word in words.items() if word}


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
