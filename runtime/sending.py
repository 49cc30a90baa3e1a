"""The one use case of both senders: arm the timer of the next step, claim, send, record.

The order is what keeps the promises. The timer comes first, so that a crash anywhere later still
ends in the fallback. The claim comes before the send, so that no two senders send the same step.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from .batches import LeaveOnQueueError
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
from .settings import SenderSettings
from .store import ConflictError, Store, link_all
from .telemetry import logger, meter
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
_LEAST_BACKOFF_MS: Final = 1_000
_MOST_BACKOFF_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Sender:
    """Everything that a step needs to go out; `client` gives the client of a provider."""

    store: Store
    timers: Timers
    settings: SenderSettings
    client: Callable[[str], Any]
    clock: Callable[[], int]

    def start(self, message_id: str) -> None:
        """Send the first step of a chain, or all steps of a broadcast."""
        message = self.store.read(message_id)
        if message is None:
            logger.warning("no row for this message", message_id=message_id)
            return
        if message.use_case is UseCase.FALLBACK:
            self._send_step(message, 0, 0)
            return
        leave = False
        for index in message.mains:
            try:
                message = self._send_step(message, index, 0)
            except LeaveOnQueueError:
                leave = True
        if leave:
            raise LeaveOnQueueError

    def on_timer(self, timer: Timer) -> None:
        """Send a step whose time has come, unless it is not needed any more."""
        # Waits over 900 s hop, and each hop reads the row: a chain that is over stops hopping.
        message = self.store.read(timer.message_id)
        if message is None:
            logger.warning("no row for this timer", message_id=timer.message_id)
        else:
            self._send_step(message, timer.step, timer.due_at)

    def _send_step(self, message: Message, index: int, due_at: int) -> Message:
        """Decide and act, anew after every conflict. Returns the row as it was last seen."""
        contents: tuple[StepContent, ...] | None = None
        for _ in range(_MOST_CONFLICTS):
            now = self.clock()
            decision = decide(message, index, now, due_at)
            if decision.action is not Action.SEND:
                return self._do_not_send(message, index, decision, now)
            # Before the claim: a step must not be held for want of its content.
            contents = contents or self.store.read_contents(message.message_id)
            try:
                claimed = self._claim(message, index, now)
            except ConflictError:
                message = self._read_again(message)
                continue
            if contents is None:
                gone = Rejected(FailureClass.EXPIRED, "content is no longer stored")
                return self._record(claimed, index, gone)
            return self._record(claimed, index, self._send(claimed, index, contents[index]))
        raise ConflictError(message.message_id)

    def _do_not_send(self, message: Message, index: int, decision: Decision, now: int) -> Message:
        if decision.action is Action.WAIT:
            self.timers.arm(Timer(message.message_id, index, decision.wait_until), now)
        elif decision.action is Action.START_SUCCESSOR:
            self._start_after_failure(message, now)
        elif decision.action is Action.RETRY_LATER:
            raise LeaveOnQueueError
        else:
            self._settle(message, index, decision, now)
        return message

    def _start_after_failure(self, message: Message, now: int) -> None:
        for timer in timers_after_failures(message, now):
            self.timers.arm(timer, now)

    def _settle(self, message: Message, index: int, decision: Decision, now: int) -> None:
        """Finish what a sender or a cancel that died after recording may have left undone."""
        if decision.reason in _REPEATED:
            meter.count("DuplicatesSuppressed")
        step = message.steps[index]
        if step.provider_message_id:
            message = self._join(message, index, step.provider_message_id, now)
        # A step that nobody has tried has left nothing undone: the timers that come after every
        # success are of that kind, and a delete is billed even where nothing is left to delete.
        tried = step.attempt > 0 or message.cancelled_at is not None
        if tried and message.over:
            self.store.delete_content(message.message_id)

    def _claim(self, message: Message, index: int, now: int) -> Message:
        successor = message.successor(index)
        due_at = None
        if successor is not None and message.steps[successor].due_at is None:
            due_at = now + 1000 * message.steps[index].fallback_seconds
            self.timers.arm(Timer(message.message_id, successor, due_at), now)
        claimed = claim(
            message,
            index,
            now,
            lease_ms=1000 * self.settings.claim_lease_seconds,
            successor_due_at=due_at,
        )
        claimed = self.store.save(claimed, now)
        reason = claimed.steps[index].started_because
        is_fallback = reason is not None and not message.steps[index].after
        if is_fallback and message.steps[index].attempt == 0:
            meter.count("Fallbacks", reason=str(reason))
        return claimed

    def _send(self, message: Message, index: int, content: StepContent) -> SendOutcome:
        channel = CHANNELS[content.channel]
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
        outcome = send(channel, self.client(channel.service), content, context)
        logger.info(
            "step sent" if isinstance(outcome, Accepted) else "step not sent",
            message_id=message.message_id,
            step=index,
            channel=channel.name,
            attempt=step.attempt,
            outcome=type(outcome).__name__,
            reason=getattr(outcome, "reason", None),
        )
        return outcome

    def _record(self, message: Message, index: int, outcome: SendOutcome) -> Message:
        now = self.clock()
        channel = message.steps[index].channel
        if isinstance(outcome, NotAccepted):
            outcome = self._back_off(message, index, outcome, now)
        if isinstance(outcome, Accepted):
            meter.count("MessagesSent", channel=channel)
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
            meter.count("MessagesFailed", channel=channel)
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
        elif isinstance(outcome, NotAccepted):
            return self._change(message, lambda current: release(current, index), now)
        elif message.successor(index) is None:
            # Nobody comes after this step, so it is looked at again once its lease is over.
            raise LeaveOnQueueError
        if message.over:
            self.store.delete_content(message.message_id)
        return message

    def _back_off(
        self, message: Message, index: int, outcome: NotAccepted, now: int
    ) -> SendOutcome:
        """Arm a timer for another try of the same step, for as long as a try makes sense.

        A timer and not a return to the queue: it does not use up the five receives that a crash
        has, and it can wait as long as it should.
        """
        attempt = message.steps[index].attempt
        retry_at = now + min(_MOST_BACKOFF_MS, _LEAST_BACKOFF_MS * 2 ** (attempt - 1))
        if retry_at >= message.gives_up_at(self.settings.outcome_wait_seconds):
            return Rejected(FailureClass.THROTTLED, outcome.reason)
        self.timers.arm(Timer(message.message_id, index, retry_at), now)
        return outcome

    def _join(self, message: Message, index: int, provider_message_id: str, now: int) -> Message:
        """Make the provider's id findable where events may come without ours."""
        if CHANNELS[message.steps[index].channel].echoes_our_id:
            return message
        waiting = link_all(self.store, [provider_message_id], message.message_id, index, now)
        return self._change(message, lambda current: apply(current, waiting), now)

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
                return self.store.save(changed, now)
            except ConflictError:
                message = self._read_again(message)
        raise ConflictError(message.message_id)

    def _read_again(self, message: Message) -> Message:
        current = self.store.read(message.message_id)
        if current is None:  # its time to live is over
            raise ConflictError(message.message_id)
        return current


def send(
    channel: Channel,
    client: Any,  # noqa: ANN401  boto3 makes the client's class at run time
    content: StepContent,
    context: SendContext,
) -> SendOutcome:
    """Make one attempt to hand a step to its provider, and say what came of it."""
    request = channel.build_request(content, context)
    operation = getattr(client, request.operation, None)
    if operation is None:
        # The function's own boto3 is older than the operation.
        return Rejected(FailureClass.CONFIGURATION, f"boto3 has no {request.operation}")
    try:
        answer = operation(**request.parameters)
    except (BotoCoreError, ClientError) as error:
        return read_error(channel, error)
    provider_message_id = answer.get(channel.answer_key)
    return Accepted(provider_message_id) if provider_message_id else Ambiguous("no message id")
