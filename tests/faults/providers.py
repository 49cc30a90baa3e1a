"""Providers that do what a script says: answers to sends, and events some time later."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.exceptions import ReadTimeoutError

from runtime.domain.status import DeliveryEvent, FailureClass, Status
from tests.faults.stand_in import client_error
from tests.support import events

# Answers to a send. LOST: taken, but no answer comes. TIMEOUT: not taken, and no answer comes.
# EARLY: taken, and the first event is there before the answer.
OK, THROTTLE, REJECT, LOST, TIMEOUT, EARLY = "ok", "throttle", "reject", "lost", "timeout", "early"
ANSWERS = (OK, THROTTLE, REJECT, LOST, TIMEOUT, EARLY)
TAKEN = (OK, LOST, EARLY)

# What each kind of event is called by each provider.
SES_TYPES = {
    "sent": "Send",
    "delayed": "DeliveryDelay",
    "delivered": "Delivery",
    "read": "Open",
    "failed": "Bounce",
    "failed for now": "Bounce",
    "complained": "Complaint",
}
SMS_TYPES = {
    "sent": "TEXT_SENT",
    "delayed": "TEXT_UNREACHABLE",
    "delivered": "TEXT_DELIVERED",
    "failed": "TEXT_INVALID",
    "failed for now": "TEXT_UNREACHABLE",
}
WHATSAPP_TYPES = {
    "accepted": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "failed for now": "failed",
}
KINDS = {"email": SES_TYPES, "sms": SMS_TYPES, "whatsapp": WHATSAPP_TYPES}
# Of WhatsApp's events, those that come with the id that SendWhatsAppMessage has answered.
NAMING_BOTH = ("accepted", "failed", "failed for now")
# The status that each kind means.
STATUS = {"failed for now": "failed"}


@dataclass(frozen=True)
class Script:
    """What a provider does about one step.

    `answers` are to the first sends, then comes OK; `events` are (milliseconds after the
    acceptance, kind). `echoes` says whether WhatsApp's events repeat our id.
    """

    answers: tuple[str, ...] = ()
    events: tuple[tuple[int, str], ...] = ()
    echoes: bool = True


@dataclass(frozen=True)
class Send:
    """A message that a provider has taken: it goes out."""

    message_id: str
    step: int
    channel: str
    at: int


@dataclass(frozen=True)
class Emitted:
    """An event that a provider has sent about a send."""

    message_id: str
    step: int
    kind: str
    at: int
    body: str
    send: Send
    # Whether it repeats our id; and whether it names AWS's id and Meta's, so that they are joined.
    echoes: bool = True
    names_both: bool = False

    @property
    def status(self) -> str:
        return STATUS.get(self.kind, self.kind)


class Addressed(NamedTuple):
    message_id: str
    step: int
    recipient: str


def _read_email(request: dict[str, Any]) -> Addressed:
    tags = {tag["Name"]: tag["Value"] for tag in request["EmailTags"]}
    (recipient,) = request["Destination"]["ToAddresses"]
    return Addressed(tags["message_id"], int(tags["step"]), recipient)


def _read_sms(request: dict[str, Any]) -> Addressed:
    tags = request["Context"]
    return Addressed(tags["message_id"], int(tags["step"]), request["DestinationPhoneNumber"])


def _read_whatsapp(request: dict[str, Any]) -> Addressed:
    message = json.loads(request["message"])
    message_id, step = message["biz_opaque_callback_data"].split(":")
    return Addressed(message_id, int(step), message["to"])


READERS: dict[str, tuple[str, Callable[[dict[str, Any]], Addressed]]] = {
    "send_email": ("email", _read_email),
    "send_text_message": ("sms", _read_sms),
    "send_media_message": ("sms", _read_sms),
    "send_rcs_message": ("sms", _read_sms),
    "send_whatsapp_message": ("whatsapp", _read_whatsapp),
}


@dataclass
class Providers:
    """All providers of a world; `clients` by boto3's name of the service."""

    script_of: Callable[[str, int], Script]
    clock: Callable[[], int]
    emit: Callable[[Emitted, int], None]
    emit_now: Callable[[Emitted], None]
    watch: Callable[[Send], None]
    sends: list[Send] = field(default_factory=list)
    # What the answers say, in the terms of the domain: a sender that dies does not learn it.
    answers: list[DeliveryEvent] = field(default_factory=list)
    emitted: list[Emitted] = field(default_factory=list)
    # The bodies of events that may never have come.
    lost: set[str] = field(default_factory=set)
    attempts: dict[tuple[str, int], int] = field(default_factory=dict)
    unclear: list[tuple[str, int]] = field(default_factory=list)

    def send(self, operation: str, request: dict[str, Any]) -> dict[str, str]:
        channel, read = READERS[operation]
        message_id, step, recipient = read(request)
        script = self.script_of(recipient, step)
        attempt = self.attempts.get((message_id, step), 0)
        self.attempts[message_id, step] = attempt + 1
        answer = script.answers[attempt] if attempt < len(script.answers) else OK
        if answer in (LOST, TIMEOUT):
            self.unclear.append((message_id, step))
        if answer in TAKEN:
            send = Send(message_id, step, channel, self.clock())
            self.watch(send)
            self.sends.append(send)
            self._schedule(send, script, early=answer == EARLY)
        if answer == THROTTLE:
            raise client_error("ThrottlingException", operation)
        if answer in (LOST, TIMEOUT):
            raise ReadTimeoutError(endpoint_url="https://provider")
        said = DeliveryEvent(
            channel=channel,
            status=Status.ACCEPTED,
            event_type="send",
            message_id=message_id,
            step=step,
            occurred_at=self.clock(),
        )
        if answer == REJECT:
            code = _REJECTION[channel]
            rejected = FailureClass.CONTENT_REJECTED
            self.answers.append(
                replace(said, status=Status.FAILED, failure_class=rejected, reason=code)
            )
            raise client_error(code, operation)
        self.answers.append(replace(said, provider_message_id=provider_id(send)))
        name = "messageId" if channel == "whatsapp" else "MessageId"
        return {name: provider_id(send)}

    def can_find_row(self, event: Emitted, known_id: str | None) -> bool:
        """Whether an event has come, and says whose it is to a row that knows a provider's id."""
        if event.body in self.lost:
            return False
        if event.echoes:
            return True
        return known_id == provider_id(event.send) and any(
            other.names_both and other.send == event.send and other.body not in self.lost
            for other in self.emitted
        )

    def _schedule(self, send: Send, script: Script, *, early: bool) -> None:
        for number, (after, kind) in enumerate(script.events):
            at = send.at if early and not number else send.at + after
            is_whatsapp = send.channel == "whatsapp"
            event = Emitted(
                send.message_id,
                send.step,
                kind,
                at,
                _body(send, kind, at, script),
                send,
                echoes=script.echoes or not is_whatsapp,
                names_both=is_whatsapp and kind in NAMING_BOTH,
            )
            self.emitted.append(event)
            if early and not number:
                self.emit_now(event)
            else:
                self.emit(event, at)


_REJECTION = {
    "email": "MessageRejected",
    "sms": "ValidationException",
    "whatsapp": "InvalidParametersException",
}


def provider_id(send: Send) -> str:
    """Name a send as its provider does: WhatsApp's id, a UUID on AWS, sorts before `wamid`."""
    if send.channel == "whatsapp":
        return f"0-{send.message_id}-{send.step}-{send.at}"
    return f"{send.channel}-{send.message_id}-{send.step}-{send.at}"


def _body(send: Send, kind: str, at: int, script: Script) -> str:
    name = KINDS[send.channel][kind]
    if send.channel == "email":
        return json.dumps(_ses(send, kind, name, at))
    if send.channel == "sms":
        final = kind not in ("sent", "delayed")
        event = events.sms(name, send.message_id, send.step, final=final)
        return json.dumps(event | {"eventTimestamp": at, "messageId": provider_id(send)})
    code = {"failed": 131026, "failed for now": 131047}.get(kind)
    event = events.whatsapp(
        name,
        wamid=f"wamid.{provider_id(send)}",
        aws_id=provider_id(send) if kind in NAMING_BOTH else None,
        echo=f"{send.message_id}:{send.step}" if script.echoes else None,
        code=code,
    )
    entry = json.loads(event["whatsAppWebhookEntry"])
    entry["changes"][0]["value"]["statuses"][0]["timestamp"] = str(at // 1000)
    return json.dumps(event | {"whatsAppWebhookEntry": json.dumps(entry)})


def _ses(send: Send, kind: str, name: str, at: int) -> dict[str, Any]:
    moment = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    base = name if name in ("Send", "Delivery", "Bounce") else "Delivery"
    detail = {} if base == "Send" else {"timestamp": moment}
    if kind == "failed for now":
        detail |= {"bounceType": "Transient", "bounceSubType": "MailboxFull"}
    event = events.ses(base, send.message_id, send.step, **detail)
    event["mail"] |= {"messageId": provider_id(send), "timestamp": moment}
    if name != base:
        event["eventType"] = name
        member = {"DeliveryDelay": "deliveryDelay"}.get(name, name.lower())
        event[member] = {"timestamp": moment}
        del event["delivery"]
    return event
