"""What recipients do, chosen by their address alone. The tables are data; `tables()` prints them.

An event is named as its provider names it: `Delivery` or `Bounce` for email, `DELIVERED` for SMS
(the operation puts TEXT_, MEDIA_ or RCS_ before it), `delivered` for WhatsApp.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

THROTTLED_ATTEMPTS = 2

Answer = Literal["accepts", "throttles", "rejects", "resets"]


@dataclass(frozen=True)
class Event:
    """One event of a script, `after_seconds` from the acceptance of the send.

    `detail` says which: `Permanent/General` of a bounce, the error code of a WhatsApp failure.
    `final` is for SMS: whether the event says that nothing more will come.
    """

    after_seconds: float
    kind: str
    detail: str = ""
    final: bool = False


@dataclass(frozen=True)
class Behaviour:
    """What the provider answers to a send, and the events that follow it.

    `label` says what a label in the address (`late+3@`) sets: the time of the last event, or the
    detail of the event that has one. `echoes`: whether WhatsApp repeats our data on statuses.
    `window_closed`: only WhatsApp templates get through; the events are those of anything else.
    `then`: what follows the second attempt of a message instead, the fourth, and so on.
    """

    says: str
    events: tuple[Event, ...]
    answer: Answer = "accepts"
    label: Literal["", "seconds", "detail"] = ""
    echoes: bool = True
    window_closed: bool = False
    then: tuple[Event, ...] | None = None


# Email ------------------------------------------------------------------------------------------

AWS_SIMULATOR_DOMAIN = "simulator.amazonses.com"
SEND = Event(0.1, "Send")
DELIVERY = Event(1.0, "Delivery")

EMAIL_DELIVERED = Behaviour("delivered after 1 s", (SEND, DELIVERY))
_BOUNCED = Behaviour(
    "hard bounce (Permanent/General, 550 5.1.1)", (SEND, Event(0.6, "Bounce", "Permanent/General"))
)
_COMPLAINED = Behaviour("delivered, then a complaint", (SEND, DELIVERY, Event(1.6, "Complaint")))

# AWS's own mailbox simulator.
AWS_EMAIL: Mapping[str, Behaviour] = {
    "success": EMAIL_DELIVERED,
    "bounce": _BOUNCED,
    "complaint": _COMPLAINED,
    "suppressionlist": Behaviour(
        "bounce of a suppressed address (Permanent/Suppressed)",
        (SEND, Event(0.6, "Bounce", "Permanent/Suppressed")),
    ),
    "ooto": Behaviour(
        "delivered, then an out-of-office reply (bounce Transient/General)",
        (SEND, DELIVERY, Event(1.6, "Bounce", "Transient/General")),
    ),
}

# Ours: the local part, at any other domain.
EMAIL: Mapping[str, Behaviour] = {
    "silent": Behaviour("sent, and nothing more", (SEND,)),
    "slow": Behaviour(
        "delivered after 3 s, or as many as the label says: `slow+5@`",
        (SEND, Event(3.0, "Delivery")),
        label="seconds",
    ),
    "late": Behaviour(
        "delivered after 8 s, or as many as the label says: `late+20@`",
        (SEND, Event(8.0, "Delivery")),
        label="seconds",
    ),
    "read": Behaviour("delivered, then opened", (SEND, DELIVERY, Event(1.6, "Open"))),
    "clicked": Behaviour(
        "delivered, opened, then a link is clicked",
        (SEND, DELIVERY, Event(1.6, "Open"), Event(1.9, "Click")),
    ),
    "shuffled": Behaviour(
        "events out of order and twice each: Delivery before Send",
        (Event(0.3, "Delivery"), Event(0.3, "Delivery"), Event(0.9, "Send"), Event(0.9, "Send")),
    ),
    "duplicated": Behaviour("each event twice", (SEND, SEND, DELIVERY, DELIVERY)),
    "delayed": Behaviour(
        "a delivery delay, delivered after 2 s; label: the delay's type, `delayed+MailboxFull@`",
        (
            SEND,
            Event(0.6, "DeliveryDelay", "TransientCommunicationFailure"),
            replace(DELIVERY, after_seconds=2.0),
        ),
        label="detail",
    ),
    "bounce": replace(
        _BOUNCED,
        says=f"{_BOUNCED.says}; label: type and subtype, `bounce+Transient-MailboxFull@`",
        label="detail",
    ),
    "complaint": replace(
        _COMPLAINED,
        says=f"{_COMPLAINED.says} (abuse); label: its type, `complaint+not-spam@`",
        events=(SEND, DELIVERY, Event(1.6, "Complaint", "abuse")),
        label="detail",
    ),
    "virus": Behaviour("accepted, then an event Reject", (SEND, Event(0.6, "Reject"))),
    "unsubscribed": Behaviour(
        "delivered, then an event Subscription", (SEND, DELIVERY, Event(1.6, "Subscription"))
    ),
    "throttled": Behaviour(
        "TooManyRequestsException for the first 2 attempts of a sender, recipient and subject, "
        "then delivered",
        EMAIL_DELIVERED.events,
        answer="throttles",
    ),
    "recovers": Behaviour(
        "bounce Transient/MailboxFull after the first attempt of a sender, recipient and subject, "
        "delivered after the second",
        (SEND, Event(0.6, "Bounce", "Transient/MailboxFull")),
        then=EMAIL_DELIVERED.events,
    ),
    "rejected": Behaviour("MessageRejected at once, no event", (), answer="rejects"),
    "reset": Behaviour(
        "accepted and delivered, but the connection is closed without an answer",
        EMAIL_DELIVERED.events,
        answer="resets",
    ),
    "lost": Behaviour(
        "accepted, the connection is closed without an answer, no events", (), answer="resets"
    ),
}

BOUNCES = (
    "Undetermined/Undetermined",
    "Permanent/General",
    "Permanent/NoEmail",
    "Permanent/Suppressed",
    "Permanent/OnAccountSuppressionList",
    "Permanent/OnTenantSuppressionList",
    "Permanent/EmailValidationSuppressed",
    "Permanent/UnsubscribedRecipient",
    "Transient/General",
    "Transient/MailboxFull",
    "Transient/MessageTooLarge",
    "Transient/CustomTimeoutExceeded",
    "Transient/ContentRejected",
    "Transient/AttachmentRejected",
)
DELAYS = (
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
# SES accepts the mail, does not try to deliver it, and calls that a complaint.
SUPPRESSED_COMPLAINT = "OnAccountSuppressionList"
COMPLAINTS = (
    "abuse",
    "auth-failure",
    "fraud",
    "not-spam",
    "other",
    "virus",
    SUPPRESSED_COMPLAINT,
)
# By the kind of event: what a label says, in lower case, and the detail that it means.
_LABELS = {
    kind: {detail.lower().replace("/", "-"): detail for detail in details}
    for kind, details in {
        "Bounce": BOUNCES,
        "DeliveryDelay": DELAYS,
        "Complaint": COMPLAINTS,
    }.items()
}


def for_email(address: str) -> Behaviour:
    """Choose the behaviour of a bare address, `local+label@domain`, in any letter case."""
    local, _, domain = address.lower().rpartition("@")
    name, _, label = local.partition("+")
    if domain == AWS_SIMULATOR_DOMAIN:
        return AWS_EMAIL.get(name, EMAIL_DELIVERED)
    return _labelled(EMAIL.get(name, EMAIL_DELIVERED), label)


def _labelled(behaviour: Behaviour, label: str) -> Behaviour:
    if behaviour.label == "seconds" and re.fullmatch(r"\d+(\.\d+)?", label):
        *before, last = behaviour.events
        return replace(behaviour, events=(*before, replace(last, after_seconds=float(label))))
    if behaviour.label == "detail":
        events = [
            replace(event, detail=_LABELS.get(event.kind, {}).get(label, event.detail))
            for event in behaviour.events
        ]
        if any(event.detail == SUPPRESSED_COMPLAINT for event in events):
            events = [event for event in events if event.kind != "Delivery"]
        return replace(behaviour, events=tuple(events))
    return behaviour


# Numbers ----------------------------------------------------------------------------------------

_QUEUED = (Event(0.1, "QUEUED"), Event(0.3, "PENDING"))
_HANDED_OVER = (*_QUEUED, Event(0.6, "SUCCESSFUL"))
SMS_DELIVERED = Behaviour(
    "delivered after 1 s", (*_HANDED_OVER, Event(1.0, "DELIVERED", final=True))
)
_ACCEPTED = (Event(0.1, "accepted"),)
_SENT = (*_ACCEPTED, Event(0.4, "sent"))
WHATSAPP_DELIVERED = Behaviour("delivered after 1 s", (*_SENT, Event(1.0, "delivered")))


def _sms_fails(kind: str, says: str = "", *, final: bool = True) -> Behaviour:
    said = says or f"{kind}, isFinal {str(final).lower()}"
    return Behaviour(said, (*_QUEUED, Event(0.7, kind, final=final)))


def _whatsapp_fails(code: str, says: str = "") -> Behaviour:
    return Behaviour(says or f"failed, code {code}", (*_ACCEPTED, Event(0.7, "failed", code)))


def _twice(behaviour: Behaviour) -> tuple[Event, ...]:
    return tuple(event for event in behaviour.events for _ in range(2))


# Numbers that AWS documents for tests of SMS. On WhatsApp they are ordinary numbers.
AWS_NUMBERS: Mapping[str, Behaviour] = {
    "14254147755": Behaviour(
        "SUCCESSFUL with isFinal true after 1 s: the carrier took it, no handset receipt",
        (*_QUEUED, Event(1.0, "SUCCESSFUL", final=True)),
    ),
    "14254147167": _sms_fails("BLOCKED"),
    "447860019067": _sms_fails("BLOCKED"),
}


@dataclass(frozen=True)
class Phone:
    """What a number does on SMS (and MMS, RCS) and on WhatsApp."""

    sms: Behaviour = SMS_DELIVERED
    whatsapp: Behaviour = WHATSAPP_DELIVERED


# Ours: +1 206 555 and these four digits, all of them reserved for fiction.
PHONES: dict[str, Phone] = {
    "0101": Phone(
        Behaviour("queued, and nothing more", _QUEUED),
        Behaviour("sent, and nothing more", _SENT),
    ),
    "0102": Phone(
        Behaviour("delivered after 3 s", (*_HANDED_OVER, Event(3.0, "DELIVERED", final=True))),
        Behaviour("delivered after 3 s", (*_SENT, Event(3.0, "delivered"))),
    ),
    "0103": Phone(
        Behaviour("delivered after 8 s", (*_QUEUED, Event(8.0, "DELIVERED", final=True))),
        Behaviour("delivered after 8 s", (*_SENT, Event(8.0, "delivered"))),
    ),
    "0104": Phone(
        Behaviour(
            "delivered; RCS: then read",
            (*SMS_DELIVERED.events, Event(1.6, "READ", final=True)),
        ),
        Behaviour("delivered, then read", (*WHATSAPP_DELIVERED.events, Event(1.6, "read"))),
    ),
    "0105": Phone(
        Behaviour(
            "events out of order and twice each: DELIVERED before QUEUED",
            _twice(
                Behaviour(
                    "",
                    (
                        Event(0.3, "DELIVERED", final=True),
                        Event(0.6, "SUCCESSFUL"),
                        Event(0.9, "PENDING"),
                        Event(1.2, "QUEUED"),
                    ),
                )
            ),
        ),
        Behaviour(
            "statuses out of order and twice each: delivered before accepted",
            _twice(
                Behaviour("", (Event(0.3, "delivered"), Event(0.6, "sent"), Event(0.9, "accepted")))
            ),
        ),
    ),
    "0106": Phone(
        Behaviour("each event twice", _twice(SMS_DELIVERED)),
        Behaviour("each status twice", _twice(WHATSAPP_DELIVERED)),
    ),
    "0107": Phone(
        Behaviour(
            "ThrottlingException for the first 2 attempts of a sender, recipient and body, "
            "then delivered",
            SMS_DELIVERED.events,
            answer="throttles",
        ),
        Behaviour(
            "ThrottledRequestException for the first 2 attempts of a sender, recipient and "
            "message, then delivered",
            WHATSAPP_DELIVERED.events,
            answer="throttles",
        ),
    ),
    "0108": Phone(
        Behaviour(
            "ConflictException DESTINATION_PHONE_NUMBER_OPTED_OUT at once, no event",
            (),
            answer="rejects",
        ),
        Behaviour("InvalidParametersException at once, no event", (), answer="rejects"),
    ),
    "0109": Phone(
        Behaviour(
            "accepted and delivered, but the connection is closed without an answer",
            SMS_DELIVERED.events,
            answer="resets",
        ),
        Behaviour(
            "accepted and delivered, but the connection is closed without an answer",
            WHATSAPP_DELIVERED.events,
            answer="resets",
        ),
    ),
    "0110": Phone(
        Behaviour(
            "accepted, the connection is closed without an answer, no events",
            (),
            answer="resets",
        ),
        Behaviour(
            "accepted, the connection is closed without an answer, no statuses",
            (),
            answer="resets",
        ),
    ),
    "0111": Phone(
        _sms_fails("INVALID"), _whatsapp_fails("131026", "failed, 131026: not on WhatsApp")
    ),
    "0112": Phone(
        whatsapp=replace(
            _whatsapp_fails(
                "131047",
                "window closed: failed, 131047, for all but templates, which are delivered",
            ),
            window_closed=True,
        )
    ),
    "0113": Phone(
        whatsapp=Behaviour(
            "delivered before accepted, and no status echoes biz_opaque_callback_data",
            (Event(0.3, "delivered"), Event(0.9, "accepted")),
            echoes=False,
        )
    ),
    "0114": Phone(
        Behaviour(
            "UNREACHABLE with isFinal false, delivered after 2 s",
            (*_QUEUED, Event(0.7, "UNREACHABLE"), Event(2.0, "DELIVERED", final=True)),
        )
    ),
    "0115": Phone(
        Behaviour("SUCCESSFUL with isFinal false, and nothing more", _HANDED_OVER),
        Behaviour("accepted, and nothing more", _ACCEPTED),
    ),
    "0116": Phone(
        Behaviour(
            "SUCCESSFUL with isFinal true after 1 s",
            (*_QUEUED, Event(1.0, "SUCCESSFUL", final=True)),
        ),
        Behaviour("read without delivered, which is implied", (*_SENT, Event(1.0, "read"))),
    ),
    "0117": Phone(
        replace(
            _sms_fails(
                "UNREACHABLE",
                "UNREACHABLE, isFinal true, after the first attempt of a sender, recipient and "
                "body, delivered after the second",
            ),
            then=SMS_DELIVERED.events,
        ),
        replace(
            _whatsapp_fails(
                "131000",
                "failed, code 131000, after the first attempt of a sender, recipient and content, "
                "delivered after the second",
            ),
            then=WHATSAPP_DELIVERED.events,
        ),
    ),
    # Every other way in which a WhatsApp message can end.
    "0160": Phone(whatsapp=_whatsapp_fails("130429")),
    "0161": Phone(whatsapp=_whatsapp_fails("130472")),
    "0162": Phone(whatsapp=_whatsapp_fails("131000")),
    "0163": Phone(whatsapp=_whatsapp_fails("131016")),
    "0164": Phone(whatsapp=_whatsapp_fails("131036")),
    "0165": Phone(whatsapp=_whatsapp_fails("131042")),
    "0166": Phone(whatsapp=_whatsapp_fails("131048")),
    "0167": Phone(whatsapp=_whatsapp_fails("131049")),
    "0168": Phone(whatsapp=_whatsapp_fails("131050")),
    "0169": Phone(whatsapp=_whatsapp_fails("131051")),
    "0170": Phone(whatsapp=_whatsapp_fails("131053")),
    "0171": Phone(whatsapp=_whatsapp_fails("131056")),
    "0172": Phone(whatsapp=_whatsapp_fails("132001")),
    "0173": Phone(whatsapp=_whatsapp_fails("132015")),
    "0174": Phone(
        whatsapp=Behaviour(
            "failed, code 131009, in a status without id", (Event(0.7, "failed", "131009"),)
        )
    ),
    "0175": Phone(
        whatsapp=Behaviour(
            'status "Message retries exhausted, dropping message." without id',
            (Event(0.7, "Message retries exhausted, dropping message."),),
        )
    ),
    "0176": Phone(whatsapp=Behaviour("sent, then warning", (*_SENT, Event(0.7, "warning")))),
    "0177": Phone(
        whatsapp=Behaviour(
            "delivered, then deleted", (*WHATSAPP_DELIVERED.events, Event(1.6, "deleted"))
        )
    ),
    "0178": Phone(
        whatsapp=Behaviour(
            "delivered, then played", (*WHATSAPP_DELIVERED.events, Event(1.6, "played"))
        )
    ),
    # Every other way in which a text can end.
    "0180": Phone(_sms_fails("INVALID_MESSAGE")),
    "0181": Phone(_sms_fails("UNREACHABLE")),
    "0182": Phone(_sms_fails("CARRIER_UNREACHABLE")),
    "0183": Phone(_sms_fails("BLOCKED")),
    "0184": Phone(_sms_fails("CARRIER_BLOCKED")),
    "0185": Phone(_sms_fails("SPAM")),
    "0186": Phone(_sms_fails("UNKNOWN")),
    "0187": Phone(_sms_fails("TTL_EXPIRED")),
    "0188": Phone(_sms_fails("PROTECT_BLOCKED")),
    "0189": Phone(
        _sms_fails("FILE_INACCESSIBLE", "MMS: FILE_INACCESSIBLE, isFinal true; a text: nothing")
    ),
    "0190": Phone(
        _sms_fails(
            "FILE_TYPE_UNSUPPORTED", "MMS: FILE_TYPE_UNSUPPORTED, isFinal true; a text: nothing"
        )
    ),
    "0191": Phone(
        _sms_fails("FILE_SIZE_EXCEEDED", "MMS: FILE_SIZE_EXCEEDED, isFinal true; a text: nothing")
    ),
    "0192": Phone(
        Behaviour(
            "delivered; RCS: falls back to SMS, which is delivered",
            (*_QUEUED, Event(0.6, "FALLEN_BACK_TO_SMS"), Event(1.0, "DELIVERED", final=True)),
        )
    ),
    "0193": Phone(
        Behaviour(
            "delivered; RCS: read before it is delivered",
            (*_HANDED_OVER, Event(1.0, "READ", final=True), Event(1.5, "DELIVERED", final=True)),
        )
    ),
}

_FICTION = "1206555"


def for_sms(number: str) -> Behaviour:
    """Choose the behaviour of a number on SMS, MMS and RCS."""
    digits = number.lstrip("+")
    return AWS_NUMBERS.get(digits) or _phone(digits).sms


def for_whatsapp(number: str) -> Behaviour:
    """Choose the behaviour of a number on WhatsApp."""
    return _phone(number.lstrip("+")).whatsapp


def _phone(digits: str) -> Phone:
    prefix, last_four = digits[:-4], digits[-4:]
    return PHONES.get(last_four, Phone()) if prefix == _FICTION else Phone()


# The tables, for people -------------------------------------------------------------------------


def tables() -> str:
    """Print the behaviours as two Markdown tables, one of addresses and one of numbers."""
    email = {f"`{name}@{AWS_SIMULATOR_DOMAIN}`": b.says for name, b in AWS_EMAIL.items()}
    email |= {f"`{name}@…`": b.says for name, b in EMAIL.items()}
    email |= {"any other address": EMAIL_DELIVERED.says}
    numbers = {f"`+{n}`": (b.says, WHATSAPP_DELIVERED.says) for n, b in AWS_NUMBERS.items()}
    numbers |= {
        f"`+{_FICTION}{digits}`": (phone.sms.says, phone.whatsapp.says)
        for digits, phone in PHONES.items()
    }
    numbers |= {"any other number": (SMS_DELIVERED.says, WHATSAPP_DELIVERED.says)}
    lines = ["| email recipient | what happens |", "|---|---|"]
    lines += [f"| {who} | {says} |" for who, says in email.items()]
    lines += ["", "| number | SMS | WhatsApp |", "|---|---|---|"]
    lines += [f"| {who} | {sms} | {whatsapp} |" for who, (sms, whatsapp) in numbers.items()]
    return "\n".join(lines)
