"""The one use case of both senders: arm the timer of the next step, claim, send, record.

The order is what keeps the promises. The timer comes first, so that a crash anywhere later still
ends in the fallback. The claim comes before the send, so that no two senders send the same step.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from .channels import CHANNELS
from .channels.channel import (
    Accepted,
    Ambiguous,
    Channel,
    NotAccepted,
    Rejected,
    SendContext,
    SendOutcome,
    read_error,
)
from .domain.decision import Action, Decision, claim, decide, release
from .domain.message import Message, UseCase, apply
from .domain.plan import StepContent
from .domain.status import DeliveryEvent, FailureClass, Status
from .outcomes import count_changes, count_events, count_send
from .recipient_limit import RECIPIENT_LIMIT, RecipientLimit
from .settings import SenderSettings
from .store import ConflictError, Store, UnavailableError, link_all
from .telemetry import log_error, logger, meter
from .timers import Timer, Timers, timers_after_failures

# A row is written by two senders and the normalizer at the most; more conflicts than this in a row
# mean that something is wrong, and the record goes back to the queue.
_MOST_CONFLICTS: Final = 10
# Reasons to leave a step alone that mean that this work has been done before.
_REPEATED: Final = ("duplicate", "held", "failed")
# Of the failures that a provider's answer proves, those that lie with the recipient for good.
_PERMANENT: Final = (
    FailureClass.INVALID_ADDRESS,
    FailureClass.OPTED_OUT,
    FailureClass.SUPPRESSED,
    FailureClass.BLOCKED,
)
_WORDS: Final = {
    Accepted: "step sent",
    Rejected: "step refused",
    NotAccepted: "step not taken",
    Ambiguous: "step may be sent",
}
# Back-off: 1, 2, 4 ... 64 s.
_LEAST_BACKOFF_MS: Final = 1_000
_MOST_DOUBLINGS: Final = 6


@dataclass(frozen=True, slots=True)
class Sender:
    """Everything that a step needs to go out; `client` gives the client of a provider."""

    store: Store
    timers: Timers
    settings: SenderSettings
    client: Callable[[str], Any]
    clock: Callable[[], int]

    def start(self, message_id: str) -> None:
        """Send the first step of a chain, or start all steps of a broadcast."""
        message = self.store.read(message_id)
        if message is None:
            logger.warning("no row for this message", message_id=message_id)
            return
        if message.use_case is UseCase.BROADCAST:
            # Timers that are due at once: each step has an invocation's time to itself, and one
            # that fails keeps none of the others.
            now = self.clock()
            others = [Timer(message_id, index, now) for index in message.mains[1:]]
            if self.timers.arm_all(others, now):
                raise UnavailableError(message_id)
        self._send_step(message, 0, 0)

    def on_timer(self, timer: Timer) -> None:
        """Send a step whose time has come, unless it is not needed any more."""
        # Waits over 900 s hop, and each hop reads the row: a chain that is over stops hopping.
        message = self.store.read(timer.message_id)
        if message is None:
            logger.warning("no row for this timer", message_id=timer.message_id)
        else:
            self._send_step(message, timer.step, timer.due_at)

    def _send_step(self, message: Message, index: int, due_at: int) -> None:
        """Decide and act, anew after every conflict."""
        contents: tuple[StepContent, ...] | None = None
        content_is_gone = False
        for _ in range(_MOST_CONFLICTS):
            now = self.clock()
            decision = decide(message, index, now, due_at)
            if decision.action is not Action.SEND:
                self._do_not_send(message, index, decision, now)
                return
            # Before the claim: a step must not be held for want of its content.
            contents = contents or self.store.read_contents(message.message_id)
            if contents is None and not content_is_gone:
                # Content is deleted after the row that needs it no more is written, so that row
                # is there to be read now.
                content_is_gone = True
                message = self._read_again(message)
                continue
            over_limit = contents is not None and RecipientLimit(self.store, self.settings).refuses(
                message, index, contents[index], now
            )
            claimed = self._claim(message, index, now)
            if claimed is None:
                message = self._read_again(message)
                continue
            if contents is None:
                gone = Rejected(FailureClass.EXPIRED, "content is no longer stored")
                self._record(claimed, index, gone)
            elif over_limit:
                self._record(claimed, index, Rejected(FailureClass.THROTTLED, RECIPIENT_LIMIT))
            else:
                self._record(claimed, index, self._send(claimed, index, contents[index]))
            return
        raise ConflictError(message.message_id)

    def _do_not_send(self, message: Message, index: int, decision: Decision, now: int) -> None:
        if decision.action is Action.WAIT:
            self.timers.arm(Timer(message.message_id, index, decision.wait_until), now)
        elif decision.action is Action.START_SUCCESSOR:
            self._start_after_failure(message, now)
        else:
            self._settle(message, index, decision, now)

    def _start_after_failure(self, message: Message, now: int) -> None:
        for timer in timers_after_failures(message, now):
            self.timers.arm(timer, now)

    def _settle(self, message: Message, index: int, decision: Decision, now: int) -> None:
        """Finish what a sender that died after recording may have left undone."""
        if decision.reason in _REPEATED:
            meter.count("DuplicatesSuppressed")
        step = message.steps[index]
        if step.provider_message_id:
            message = self._join(message, index, step.provider_message_id, now)
        # A step that nobody has tried has left nothing undone: the timers that come after every
        # success are of that kind, and a delete is billed even where nothing is left to delete.
        if step.attempt and message.over(now):
            self.store.delete_content(message.message_id)

    def _claim(self, message: Message, index: int, now: int) -> Message | None:
        """Arm the successor's timer and take the step; None if somebody else was faster."""
        successor = message.successor(index)
        due_at = None
        if successor is not None and message.steps[successor].due_at is None:
            due_at = now + 1000 * message.steps[index].fallback_seconds
            self.timers.arm(Timer(message.message_id, successor, due_at), now)
        holder = secrets.token_hex(4)
        claimed = claim(
            message,
            index,
            now,
            holder=holder,
            lease_ms=1000 * self.settings.claim_lease_seconds,
            successor_due_at=due_at,
        )
        try:
            claimed = self.store.save(claimed, now)
        except ConflictError:
            # The answer to a write that got through may have been lost, and botocore has repeated
            # the write: then the row is held, and by us.
            current = self._read_again(message)
            if current.steps[index].holder != holder:
                return None
            claimed = current
        step = claimed.steps[index]
        if step.started_because is not None and step.stands_for is None and step.attempt == 1:
            meter.count("Fallbacks", reason=step.started_because.value)
        return claimed

    def _send(self, message: Message, index: int, content: StepContent) -> SendOutcome:
        step = message.steps[index]
        successor = message.successor(index)
        due_at = message.steps[successor].due_at if successor is not None else None
        context = SendContext(
            message_id=message.message_id,
            step=index,
            time_to_live_seconds=None if due_at is None else (due_at - self.clock()) // 1000,
            ses_configuration_set=self.settings.ses_configuration_set,
            sms_configuration_set=self.settings.sms_configuration_set,
            sms_max_price=self.settings.sms_max_price,
            meta_api_version=self.settings.meta_api_version,
            whatsapp_phone_numbers=self.settings.whatsapp_phone_numbers,
        )
        outcome = send(CHANNELS[content.channel], self.client, content, context)
        logger.info(
            _WORDS[type(outcome)],
            message_id=message.message_id,
            step=index,
            channel=content.channel,
            attempt=step.attempt,
            outcome=type(outcome).__name__,
            reason=getattr(outcome, "reason", None),
        )
        return outcome

    def _record(self, message: Message, index: int, outcome: SendOutcome) -> None:
        now = self.clock()
        channel = message.steps[index].channel
        if isinstance(outcome, NotAccepted):
            retry_at = self._retry_at(message, index, now)
            if retry_at is not None:
                self._back_off(message, index, retry_at, now)
                return
            outcome = Rejected(FailureClass.THROTTLED, outcome.reason)
        if isinstance(outcome, Accepted):
            count_send(channel)
            event = DeliveryEvent(
                channel=channel,
                status=Status.ACCEPTED,
                event_type="send",
                provider_message_id=outcome.provider_message_id,
                occurred_at=now,
            )
            message = self._save_event(message, index, event, now)
            message = self._join(message, index, outcome.provider_message_id, now)
        elif isinstance(outcome, Rejected):
            event = DeliveryEvent(
                channel=channel,
                status=Status.FAILED,
                event_type="send",
                failure_class=outcome.failure_class,
                permanent=True if outcome.failure_class in _PERMANENT else None,
                reason=outcome.reason,
                occurred_at=now,
            )
            message = self._save_event(message, index, event, now)
            self._start_after_failure(message, now)
        elif message.successor(index) is None and not message.over(now):
            # No step comes after this one, so it is looked at again once its lease is over: to be
            # sent again, or to delete the content if it was sent too often without an answer.
            lease_until = message.steps[index].lease_until
            self.timers.arm(Timer(message.message_id, index, lease_until), now)
        if message.over(now):
            self.store.delete_content(message.message_id)

    def _retry_at(self, message: Message, index: int, now: int) -> int | None:
        """Return when to try a throttled step again; None if a try makes no sense any more."""
        doublings = min(message.steps[index].attempt - 1, _MOST_DOUBLINGS)
        retry_at = now + (_LEAST_BACKOFF_MS << doublings)
        gives_up_at = message.gives_up_at(self.settings.outcome_wait_seconds)
        return retry_at if retry_at < gives_up_at else None

    def _back_off(self, message: Message, index: int, retry_at: int, now: int) -> None:
        """Let go of the step until its next try is due, and arm a timer for that.

        A timer and not a return to the queue: it does not use up the five receives that a crash
        has, and it can wait as long as it should. Released first: a timer that finds the step
        held would be spent for nothing, and a crash in between brings the record back.
        """
        holder = message.steps[index].holder or ""
        self._change(
            message,
            lambda current: release(current, index, holder=holder, retry_at=retry_at),
            now,
        )
        self.timers.arm(Timer(message.message_id, index, retry_at), now)

    def _join(self, message: Message, index: int, provider_message_id: str, now: int) -> Message:
        """Make the provider's id findable where events may come without ours."""
        if CHANNELS[message.steps[index].channel].echoes_our_id:
            return message
        waiting = link_all(self.store, [provider_message_id], message.message_id, index, now)
        message = self._change(message, lambda current: apply(current, waiting), now)
        if waiting:
            count_events(message, waiting)
            self._start_after_failure(message, now)
        return message

    def _save_event(self, message: Message, index: int, event: DeliveryEvent, now: int) -> Message:
        ours = replace(event, message_id=message.message_id, step=index)
        return self._change(message, lambda current: apply(current, [ours]), now)

    def _change(self, message: Message, change: Callable[[Message], Message], now: int) -> Message:
        """Write a change of a row, on the row as it is now."""
        for _ in range(_MOST_CONFLICTS):
            changed = change(message)
            if changed == message:
                return message
            try:
                saved = self.store.save(changed, now)
            except ConflictError:
                message = self._read_again(message)
                continue
            count_changes(message, changed)
            return saved
        raise ConflictError(message.message_id)

    def _read_again(self, message: Message) -> Message:
        current = self.store.read(message.message_id)
        if current is None:  # its time to live is over
            raise ConflictError(message.message_id)
        return current


def send(
    channel: Channel, client: Callable[[str], Any], content: StepContent, context: SendContext
) -> SendOutcome:
    """Make one attempt to hand a step to its provider, and say what came of it."""
    try:
        request = channel.build_request(content, context)
        operation = getattr(client(channel.service), request.operation)
    except Exception as error:  # noqa: BLE001  nothing has gone out: the step has failed, not the sender
        # AttributeError among them: the function's own botocore is older than the operation.
        log_error("request not made", error, message_id=context.message_id)
        return Rejected(FailureClass.CONFIGURATION, type(error).__name__)
    try:
        answer = operation(**request.parameters)
    except (BotoCoreError, ClientError) as error:
        return read_error(channel, error)
    except Exception as error:  # noqa: BLE001  an answer that botocore cannot read
        log_error("answer not read", error, message_id=context.message_id)
        return Ambiguous(type(error).__name__)
    provider_message_id = answer.get(channel.answer_key)
    return Accepted(provider_message_id) if provider_message_id else Ambiguous("no message id")
