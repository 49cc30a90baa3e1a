"""What callers can do: hand in a message, look at it, cancel what has not been sent."""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from .channels import CHANNELS
from .digests import keyed_digest
from .domain.decision import cancel
from .domain.document import status_document
from .domain.message import Message
from .domain.plan import Durations, Plan, plan_message
from .guards import check_guards
from .problems import ProblemError
from .recipient_limit import RECIPIENT_LIMIT, RecipientLimit
from .request_json import NotJsonError, parse_json
from .request_schema import Fault, find_faults, steps
from .settings import ApiSettings
from .store import ConflictError, Store
from .telemetry import log_error, logger, meter
from .timers import Intake

MOST_REQUEST_BYTES: Final = 262_144
MOST_KEY_LENGTH: Final = 128
_MOST_CONFLICTS: Final = 10
# Marks a request hash that is keyed; rows of earlier releases have one that is not.
_KEYED: Final = "hmac:"


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
        Raises ProblemError 400, 403, 413, 422 or 429.
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
            request_hash=self._hash(request) if idempotency_key is not None else None,
        )
        message_id = plan.message.message_id
        pointers = [pointer for pointer, _ in steps(request)]
        places = dict(zip(plan.message.mains, pointers, strict=True))
        check_guards(plan, places, self.settings)
        self._check_rate(plan, places, idempotency_key)
        existing = self.store.create(plan)
        if existing is None:
            meter.count("MessagesAccepted")
        elif not self._is_of(existing, request):
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

    def _check_rate(
        self, plan: Plan, places: Mapping[int, str], idempotency_key: str | None
    ) -> None:
        """Refuse a message to a recipient, of a copy too, who has got too many this hour.

        Counted before the row is written, so a request that then fails is counted too; a repeat
        of a message that was taken is not.
        """
        most = self.settings.messages_per_recipient_per_hour
        if not most:
            return
        if idempotency_key is not None and self.store.read(plan.message.message_id):
            return
        limit = RecipientLimit(self.store, self.settings)
        refused = limit.refused_at_acceptance(plan.message, plan.contents, plan.message.created_at)
        if refused:
            detail = f"gets more than {most} messages an hour by this one"
            raise ProblemError(
                429,
                f"A recipient gets at most {most} messages an hour; see errors.",
                [Fault(f"{places[step]}/{at}", RECIPIENT_LIMIT, detail) for step, at in refused],
                headers={"Retry-After": "3600"},
            )

    def _hash(self, request: Mapping[str, Any]) -> str:
        key = self.settings.digest_key
        return _KEYED + keyed_digest(key, "request", _canonical(request))

    def _is_of(self, message: Message, request: Mapping[str, Any]) -> bool:
        """Whether a row is that of this request; the last release's rows have a plain digest."""
        stored = message.request_hash
        if stored is None:
            # Without an Idempotency-Key the id is random, so the row is this request's: the answer
            # to the write was lost, and botocore has made it again.
            return True
        if not stored.startswith(_KEYED):
            return stored == hashlib.sha256(_canonical(request).encode()).hexdigest()[:32]
        return stored == self._hash(request)

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
        request = parse_json(body)
    except NotJsonError as error:
        raise _invalid(error.faults) from error
    faults = find_faults(request)
    if faults:
        raise _invalid(faults)
    return cast("dict[str, Any]", request)


def _check_key(idempotency_key: str | None) -> None:
    if idempotency_key is None:
        return
    if not (0 < len(idempotency_key) <= MOST_KEY_LENGTH and idempotency_key.isprintable()):
        detail = f"Idempotency-Key must have 1 to {MOST_KEY_LENGTH} printable characters"
        raise _invalid([Fault("", "idempotencyKey", detail)])


def _invalid(faults: list[Fault]) -> ProblemError:
    count = "One thing is" if len(faults) == 1 else f"{len(faults)} things are"
    return ProblemError(400, f"{count} wrong; see errors.", faults)


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


def _canonical(request: Mapping[str, Any]) -> str:
    """Write requests so that equal ones are equal texts, whatever the order of their members."""
    return json.dumps(request, sort_keys=True, separators=(",", ":"))
