"""What a channel is: one file that speaks both ways, towards the provider and back.

A channel builds the request of one step, names the client and the operation that send it, reads
the provider's errors, and parses and minimizes the provider's events.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    SSLError,
)

from runtime.domain.plan import Repairs, StepContent
from runtime.domain.status import DeliveryEvent, FailureClass

Payload = Mapping[str, Any]
"""A provider's JSON object."""


@dataclass(frozen=True, slots=True)
class SendContext:
    """What a channel needs beside the content: our ids, and the stack's settings.

    `time_to_live_seconds` is how long a message may be on its way, where a fallback follows.
    """

    message_id: str
    step: int
    time_to_live_seconds: int | None
    ses_configuration_set: str
    sms_configuration_set: str
    sms_max_price: str
    meta_api_version: str
    whatsapp_phone_numbers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParseContext:
    """How events are read: the stack's settings, and where ignored events are counted."""

    require_handset_receipt: bool = False
    ignored: Counter[str] = field(default_factory=Counter)

    def ignore(self, reason: str) -> list[DeliveryEvent]:
        """Count an event that changes nothing, and return no events."""
        self.ignored[reason] += 1
        return []


@dataclass(frozen=True, slots=True)
class Request:
    """A call of a provider's client: the method and its parameters."""

    operation: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to reach a person.

    `service` is boto3's name of the client, `answer_key` where its answers have the provider's
    message id. `rejections` gives the class of each error code (or "code/reason") that proves that
    the provider has not taken the message and never will. `recognizes` says whether a payload is
    one of this provider's events; `minimize` leaves of it what `parse` reads, without addresses
    and content. `split_repairs` takes out of a step's content what is sent instead after failures
    of a class. `echoes_our_id` is False where the provider does not promise to echo it, so that
    events are also joined by the provider's ids.
    """

    name: str
    service: str
    answer_key: str
    build_request: Callable[[StepContent, SendContext], Request]
    rejections: Mapping[str, FailureClass]
    recognizes: Callable[[Payload], bool]
    parse: Callable[[Payload, ParseContext], list[DeliveryEvent]]
    minimize: Callable[[Payload], dict[str, Any]]
    split_repairs: Callable[[Payload], tuple[Payload, Repairs]] = lambda body: (body, {})
    echoes_our_id: bool = True


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken the message and named it."""

    provider_message_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider has not taken the message and never will."""

    failure_class: FailureClass
    reason: str


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """The provider has provably not taken the message this time; it may the next time."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Nobody knows whether the provider has taken the message."""

    reason: str


SendOutcome = Accepted | Rejected | NotAccepted | Ambiguous

_THROTTLES: Final = frozenset(
    {
        "RequestLimitExceeded",
        "SlowDown",
        "ThrottledException",
        "ThrottledRequestException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# The service failed, and may have taken the message before it did. By code and not by HTTP status:
# the models of the AWS JSON services do not say which status comes with them.
_SERVER_FAULTS: Final = frozenset(
    {
        "DependencyException",
        "InternalError",
        "InternalFailure",
        "InternalServerException",
        "InternalServiceException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
# No byte of the request can have reached the provider's application.
_NEVER_CONNECTED: Final = (
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
)
# May come before the request has gone out and after: botocore calls both the same.
_MAY_HAVE_ARRIVED: Final = (HTTPClientError, SSLError)
_ERROR_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_SERVER_ERROR: Final = 500
_TOO_MANY_REQUESTS: Final = 429


def read_error(channel: Channel, error: BotoCoreError | ClientError) -> SendOutcome:
    """Say what a failed send proves. Keeps the error's code, never its text: it may name people."""
    if isinstance(error, ClientError):
        return _read_answer(channel, error)
    kind = type(error).__name__
    if isinstance(error, _NEVER_CONNECTED):
        return NotAccepted(kind)
    if isinstance(error, _MAY_HAVE_ARRIVED):
        return Ambiguous(kind)
    # Everything else botocore raises before it sends: bad parameters, no credentials, no region.
    return Rejected(FailureClass.CONFIGURATION, kind)


def _read_answer(channel: Channel, error: ClientError) -> SendOutcome:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    code = code if _ERROR_CODE.fullmatch(code) else "Unknown"
    if code in _THROTTLES:
        return NotAccepted(code)
    if code in _SERVER_FAULTS:
        return Ambiguous(code)
    detail = str(as_object(error.response).get("Reason") or "")
    reason = f"{code}/{detail}" if _ERROR_CODE.fullmatch(detail) else code
    failure_class = channel.rejections.get(reason) or channel.rejections.get(code)
    if failure_class is not None:
        return Rejected(failure_class, reason)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR)
    if status == _TOO_MANY_REQUESTS:
        return NotAccepted(code)
    if status >= _SERVER_ERROR:
        return Ambiguous(code)
    return Rejected(FailureClass.UNKNOWN, reason)


_MESSAGE_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_STEP: Final = re.compile(r"[0-9]{1,2}")


def read_echo(message_id: object, step: object) -> tuple[str | None, int | None]:
    """Return our ids if these are ours: others may use the same tag names on the same account."""
    if (
        isinstance(message_id, str)
        and _MESSAGE_ID.fullmatch(message_id)
        and isinstance(step, str)
        and _STEP.fullmatch(step)
    ):
        return message_id, int(step)
    return None, None


_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=+-]{0,255}")


def read_id(value: object) -> str | None:
    """Return a provider's message id as text; a digest of what does not look like one."""
    if not isinstance(value, str | int) or not value:
        return None
    text = str(value)
    if _ID.fullmatch(text):
        return text
    return f"id-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]}"


def load_json(text: str | bytes) -> Any:  # noqa: ANN401  any JSON
    """Parse a provider's JSON, or JSON within it; half of a surrogate pair becomes "?".

    Half of one (an emoji that was cut) is JSON but no text: no table, queue or log takes it.
    Raises ValueError or RecursionError.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    elif not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    value = json.loads(text)
    if "\\ud" in text or "\\uD" in text:
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value


# Below this a number of milliseconds would be in 1973, so it is a number of seconds.
_LEAST_MILLISECONDS: Final = 100_000_000_000
_YEAR_2200_MILLISECONDS: Final = 7_258_118_400_000


def read_time(value: object) -> int | None:
    """Read a provider's time, ISO 8601 or seconds or milliseconds since the epoch, as our own.

    Numbers may come as strings. Returns None for what cannot be read.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
        milliseconds = number if number >= _LEAST_MILLISECONDS else number * 1000
    except (ValueError, OverflowError):
        try:
            moment = datetime.fromisoformat(str(value))
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            milliseconds = moment.timestamp() * 1000
        except (ValueError, OverflowError):
            return None
    return int(milliseconds) if 0 < milliseconds < _YEAR_2200_MILLISECONDS else None


def known(value: object, words: Collection[str]) -> str | None:
    """Return a provider's word if it is among those that it documents.

    All else may name people: a mail server's answer quotes the address, a carrier's the number.
    """
    return value if isinstance(value, str) and value in words else None


def join_reason(*parts: str | None) -> str | None:
    """Join a code and a known phrase for the row; None where there is neither."""
    return ": ".join(part for part in parts if part) or None


def pick_times(payload: Payload, *names: str) -> dict[str, Any]:
    """Copy the named members that are times."""
    return {name: payload[name] for name in names if read_time(payload.get(name)) is not None}


def as_object(value: object) -> Payload:
    """Return a JSON object, or an empty one where the payload has something else or nothing."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[Any]:
    """Return a JSON array, or an empty one where the payload has something else or nothing."""
    return value if isinstance(value, list) else []


def pick(payload: Payload, names: tuple[str, ...]) -> dict[str, Any]:
    """Copy the named members that are there."""
    return {name: payload[name] for name in names if name in payload}


def renamed(body: Payload, names: Mapping[str, str]) -> dict[str, Any]:
    """Copy the members that are there under the provider's names."""
    return {theirs: body[ours] for ours, theirs in names.items() if ours in body}
