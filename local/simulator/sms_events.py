"""SMS, MMS and RCS events as AWS publishes them to SNS.

Source: https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from local.simulator.clock import epoch_ms
from local.simulator.wire import Params

# messageStatusDescription by messageStatus.
_DESCRIPTIONS: Mapping[str, str] = {
    "BLOCKED": "Phone has blocked SMS",
    "CARRIER_BLOCKED": "Phone carrier has blocked this message",
    "CARRIER_UNREACHABLE": "Phone carrier is currently unreachable/unavailable",
    "DELIVERED": "Message has been accepted by phone",
    "FILE_INACCESSIBLE": "Media file is not accessible",
    "FILE_SIZE_EXCEEDED": "Media file is too large",
    "FILE_TYPE_UNSUPPORTED": "Media file type is not supported",
    "INVALID": "Invalid phone number",
    "INVALID_MESSAGE": "Invalid message body",
    "PENDING": "Message is in progress",
    "PROTECT_BLOCKED": "Message blocked by protect configuration",
    "QUEUED": "Message is queued for delivery",
    "READ": "Message has been read by recipient",
    "SPAM": "Blocked as spam by phone carrier",
    "SUCCESSFUL": "Message has been accepted by phone carrier",
    "TTL_EXPIRED": "The delivery TTL has expired",
    "UNKNOWN": "Unknown error attempting to reach phone",
    "UNREACHABLE": "Phone is currently unreachable/unavailable",
}

# A script's event on RCS, where its name differs; None: RCS has no such event.
_ON_RCS: Mapping[str, str | None] = {
    "PENDING": None,
    "SUCCESSFUL": "SENT",
    "BLOCKED": "FAILED",
    "CARRIER_BLOCKED": "FAILED",
    "CARRIER_UNREACHABLE": "FAILED",
    "FILE_INACCESSIBLE": "FAILED",
    "FILE_SIZE_EXCEEDED": "FAILED",
    "FILE_TYPE_UNSUPPORTED": "FAILED",
    "INVALID": "FAILED",
    "INVALID_MESSAGE": "FAILED",
    "SPAM": "FAILED",
    "UNKNOWN": "FAILED",
    "UNREACHABLE": "FAILED",
}
_ONLY_ON: Mapping[str, frozenset[str]] = {
    "FALLEN_BACK_TO_SMS": frozenset({"RCS"}),
    "READ": frozenset({"RCS"}),
    "PROTECT_BLOCKED": frozenset({"TEXT", "RCS"}),
    "FILE_INACCESSIBLE": frozenset({"MEDIA", "RCS"}),
    "FILE_SIZE_EXCEEDED": frozenset({"MEDIA", "RCS"}),
    "FILE_TYPE_UNSUPPORTED": frozenset({"MEDIA", "RCS"}),
}

# The GSM 03.38 alphabet; the characters of the second line take two places.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("\f^{}\\[~]|€")

_COUNTRIES: Mapping[str, str] = {
    "1": "US",
    "33": "FR",
    "34": "ES",
    "39": "IT",
    "44": "GB",
    "49": "DE",
    "55": "BR",
    "61": "AU",
    "81": "JP",
    "91": "IN",
}
_UNKNOWN_COUNTRY = "ZZ"


@dataclass(frozen=True)
class Message:
    """A message that the service accepted, as its events describe it.

    `family` is the first part of its event types: TEXT, MEDIA or RCS.
    """

    family: str
    message_id: str
    origination: str
    destination: str
    body: str
    message_type: str
    context: Mapping[str, str]
    protect_configuration: str
    accepted_ms: int


def event_type(family: str, kind: str) -> str | None:
    """Name a script's event in a family of types; None when that family has none like it."""
    if family not in _ONLY_ON.get(kind, {family}):
        return None
    name = _ON_RCS.get(kind, kind) if family == "RCS" else kind
    return f"{family}_{name}" if name else None


def message_event(message: Message, type_: str, *, final: bool) -> Params:
    """Describe what happened to a message; times are in ms since 1970, prices in US dollars."""
    status = type_.partition("_")[2]
    encoding, parts = encode(message.body)
    event: Params = {
        "eventType": type_,
        "eventVersion": "1.0",
        "eventTimestamp": epoch_ms(),
        "isFinal": final,
        "originationPhoneNumber": message.origination,
        "destinationPhoneNumber": message.destination,
        "isoCountryCode": country(message.destination),
        "isInternationalSend": False,
        "messageId": message.message_id,
        "messageRequestTimestamp": message.accepted_ms,
        "messageEncoding": encoding,
        "messageType": message.message_type,
        "messageStatus": status,
        "messageStatusDescription": _DESCRIPTIONS.get(status, status),
        "totalMessageParts": parts,
        "totalMessagePrice": round(0.00581 * parts, 5),
        "totalCarrierFee": round(0.00302 * parts, 5),
    }
    if message.context:
        event["context"] = dict(message.context)
    if message.family == "RCS":
        return event | {"rcsBusinessId": "example_agent", "agentIsoCountryCode": "US"}
    if message.family == "TEXT":
        event["protectConfiguration"] = {
            "protectConfigurationId": message.protect_configuration,
            "protectStatus": "BLOCK" if status == "PROTECT_BLOCKED" else "ALLOW",
        }
    return event | {"mcc": "310", "mnc": "800", "carrierName": "Example Wireless"}


def encode(body: str) -> tuple[str, int]:
    """Tell the encoding (GSM or UNICODE) of a text and into how many parts it is cut."""
    if all(letter in _GSM or letter in _GSM_EXTENDED for letter in body):
        size = len(body) + sum(letter in _GSM_EXTENDED for letter in body)
        encoding, single, multi = "GSM", 160, 153
    else:
        size = len(body.encode("utf-16-le")) // 2
        encoding, single, multi = "UNICODE", 70, 67
    return encoding, 1 if size <= single else -(-size // multi)


def country(number: str) -> str:
    """Tell the ISO code of a number's country; ZZ for those that the simulator does not know."""
    digits = number.lstrip("+")
    return next(
        (_COUNTRIES[digits[:n]] for n in (1, 2) if digits[:n] in _COUNTRIES), _UNKNOWN_COUNTRY
    )
