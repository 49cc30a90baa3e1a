"""What callers can do: hand in a message, look at it, cancel what has not been sent."""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from .batches import in_parallel
from .channels import CHANNELS
from .domain.decision import cancel
from .domain.document import status_document
from .domain.message import Message
from .domain.plan import Durations, Plan, StepContent, plan_message
from .guards import check_guards
from .problems import ProblemError
from .request_schema import Fault, find_faults
from .settings import ApiSettings
from .store import ConflictError, Store
from .telemetry import log_error, logger, meter
from .timers import Intake

MOST_REQUEST_BYTES: Final = 262_144
MOST_KEY_LENGTH: Final = 128
_MOST_CONFLICTS: Final = 10
_COUNTED_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Acceptor:
    """The use cases of the API."""

    store: Store
    intake: Intake
    settings: ApiSettings
    clock: Callable[[], int]

    def accept(self, body: bytes, client: str, idempotency_key: str | None) -> str:
        """Take a message and return its id; the answer may be 202 once this returns.

        A message with an Idempotency-Key has an id made of the caller and the key. So a repeat
        meets the row of the first request, and completes what that may have left undone.
        Raises ProblemError 400, 413 or 422.
        """
        _check_key(idempotency_key)
        request = read_request(body)
        now = self.clock()
        plan = plan_message(
            request,
            message_id=_message_id(client, idempotency_key),
            now=now,
            durations=Durations(
                self.settings.default_fallback_seconds,
                self.settings.outcome_wait_seconds,
                self.settings.retention_days,
            ),
            split_repairs=lambda channel, content: CHANNELS[channel].split_repairs(content),
            request_hash=_hash(request) if idempotency_key is not None else None,
        )
        message_id = plan.message.message_id
        check_guards(plan, self.settings)
        self._check_rate(plan, idempotency_key)
        existing = self.store.create(plan)
        if existing is None:
            meter.count("MessagesAccepted")
        elif existing.request_hash != plan.message.request_hash:
            raise ProblemError(
                422, "Use a new key for a new request, or send the first request again unchanged."
            )
        else:
            meter.count("DuplicatesSuppressed")
        if existing is None or not any(step.attempt for step in existing.steps):
            try:
                self.intake.put(message_id)
            except (BotoCoreError, ClientError):
                if idempotency_key is None:
                    self._take_back(plan.message)
                raise
        logger.info("message accepted", message_id=message_id, repeated=existing is not None)
        return message_id

    def _take_back(self, message: Message) -> None:
        """Cancel a message that nobody can ask for again: its caller gets a 503 without its id.

        The queue may have taken it all the same; then its sender finds it cancelled.
        """
        try:
            now = self.clock()
            self.store.save_and_delete_content(replace(message, cancelled_at=now), now)
        except (BotoCoreError, ClientError, ConflictError) as error:
            # Its content has a time to live.
            log_error("message not taken back", error, message_id=message.message_id)

    def _check_rate(self, plan: Plan, idempotency_key: str | None) -> None:
        """Refuse a message to a recipient, of a copy too, who has got too many this hour.

        Counted before the row is written, so a request that then fails is counted too; a repeat
        of a message that was taken is not.
        """
        most = self.settings.messages_per_recipient_per_hour
        if not most:
            return
        if idempotency_key is not None and self.store.read(plan.message.message_id):
            return
        recipients = sorted({to.lower() for content in plan.contents for to in _addresses(content)})

        def count(recipient: str) -> bool:
            return self.store.count_recipient(recipient, plan.message, most)

        # A few are counted on the connection that is open. With copies there can be fifty a step.
        counted = (
            in_parallel("counters", count, recipients, concurrency=_COUNTED_AT_ONCE)
            if len(recipients) > _COUNTED_AT_ONCE
            else map(count, recipients)
        )
        if not all(counted):
            raise ProblemError(
                429,
                f"A recipient gets at most {most} messages an hour.",
                headers={"Retry-After": "3600"},
            )

    def status(self, message_id: str) -> dict[str, Any]:
        """Return the status document. Raises ProblemError 404."""
        return self._document(self._read(message_id))

    def cancel(self, message_id: str) -> dict[str, Any]:
        """Stop the steps that nobody has claimed yet. Raises ProblemError 404 or 409."""
        for _ in range(_MOST_CONFLICTS):
            message = self._read(message_id)
            now = self.clock()
            cancelled = cancel(message, now)
            if cancelled is None:
                raise ProblemError(409, "Every step has been sent, or the message is over.")
            if cancelled != message:
                try:
                    cancelled = self.store.save_and_delete_content(cancelled, now)
                except ConflictError:
                    continue
            return self._document(cancelled)
        raise ConflictError(message_id)

    def _read(self, message_id: str) -> Message:
        message = self.store.read(message_id) if _is_id(message_id) else None
        if message is None:
            raise no_such_message()
        return message

    def _document(self, message: Message) -> dict[str, Any]:
        return status_document(message, self.clock(), self.settings.outcome_wait_seconds)


def no_such_message() -> ProblemError:
    """Return what an id is answered that no message has."""
    return ProblemError(404, "No message has this id, or it is older than is kept.")


def read_request(body: bytes) -> dict[str, Any]:
    """Parse and validate a request body. Raises ProblemError 400 or 413 with every fault."""
    if len(body) > MOST_REQUEST_BYTES:
        raise ProblemError(413, f"A request has at most {MOST_REQUEST_BYTES} bytes.")
    try:
        request = json.loads(body, parse_constant=_refuse_constant)
        # A lone surrogate ("\\ud800") is JSON but no text, and could be neither stored nor sent.
        # A number beyond all floats ("1e999") would come out as Infinity, which is none.
        json.dumps(request, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise _invalid([Fault("", "json", "the body must be a JSON object in UTF-8")]) from error
    faults = find_faults(request)
    if faults:
        raise _invalid(faults)
    return dict(request)


def _check_key(idempotency_key: str | None) -> None:
    if idempotency_key is None:
        return
    if not (0 < len(idempotency_key) <= MOST_KEY_LENGTH and idempotency_key.isprintable()):
        detail = f"Idempotency-Key must have 1 to {MOST_KEY_LENGTH} printable characters"
        raise _invalid([Fault("", "idempotencyKey", detail)])


def _invalid(faults: list[Fault]) -> ProblemError:
    count = "One thing is" if len(faults) == 1 else f"{len(faults)} things are"
    return ProblemError(400, f"{count} wrong; see errors.", faults)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity: Python's json takes them, JSON does not have them


def _message_id(client: str, idempotency_key: str | None) -> str:
    if idempotency_key is None:
        return str(uuid.uuid4())
    digest = hashlib.sha256(f"{len(client)}:{client}:{idempotency_key}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def _is_id(message_id: str) -> bool:
    try:
        return str(uuid.UUID(message_id)) == message_id
    except ValueError:
        return False


def _addresses(content: StepContent) -> Iterator[str]:
    """Yield every address that a step's message goes to; only mail has copies."""
    yield content.recipient
    for name in ("cc", "bcc"):
        yield from content.body.get(name, ())


def _hash(request: dict[str, Any]) -> str:
    """Compare requests by meaning: the order of members and white space do not count."""
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
