"""The status row of a message and the pure functions that change it.

`apply` is commutative, associative and idempotent over events: the row after all events is the
same for every order and multiplicity of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from .status import ARRIVED, PROGRESS, RANKS, DeliveryEvent, FailureClass, Status, rank

CANCELLED: Final = "cancelled"
# How often a step without a successor is sent while nobody knows whether it went out: each time
# may be one more message on the handset.
MOST_UNCLEAR_SENDS: Final = 3


class UseCase(StrEnum):
    """How the steps of a message relate: one after another, or all at once."""

    FALLBACK = "fallback"
    BROADCAST = "broadcast"


class FallbackReason(StrEnum):
    """Why a chain moved on to a step."""

    TIMEOUT = "timeout"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Step:
    """One channel of a message, and what is known of it.

    `attempt` counts claims, `released` those of them whose send provably was not accepted, and
    `holder` names the last one, so that a claim whose answer was lost is known for one's own.
    `lease_until` is 0 while nobody holds the step: before its first claim, and once released.
    `due_at` is from when the step may be sent: when silence of the step before lets it start, known
    once that one is claimed; and when the next try is due, once a try was not accepted. Every timer
    honours it.

    A step with `stands_for` is an alternate: it is sent in place of that earlier step if it fails
    with a class in `after`, `delay_seconds` later, on the same channel. The others are the chain's
    main steps. A failure with a class in `stop_on` ends the chain; `stopped` says that one has
    come, and stays whatever comes later: the content is gone.
    """

    channel: str
    fallback_seconds: int
    success_status: Status = Status.DELIVERED
    status: Status = Status.QUEUED
    failure_class: FailureClass | None = None
    failure_reason: str | None = None
    permanent: bool | None = None
    provider_message_id: str | None = None
    times: Mapping[str, int] = field(default_factory=dict)
    attempt: int = 0
    released: int = 0
    holder: str | None = None
    lease_until: int = 0
    due_at: int | None = None
    started_because: FallbackReason | None = None
    stands_for: int | None = None
    after: tuple[FailureClass, ...] = ()
    delay_seconds: int = 0
    stop_on: tuple[FailureClass, ...] = ()
    stopped: bool = False

    @property
    def rank(self) -> int:
        """Where the step stands in the order of statuses."""
        return rank(self.status, self.channel, permanent=self.permanent)

    @property
    def failed(self) -> bool:
        """Whether the step is known not to arrive."""
        return self.status is Status.FAILED

    @property
    def claimed(self) -> bool:
        """Whether somebody has taken the step to send it."""
        return self.lease_until > 0

    @property
    def unclear_sends(self) -> int:
        """How many claims may each have sent the step, as long as nothing is known of it."""
        return self.attempt - self.released

    @property
    def in_flight(self) -> bool:
        """Whether the step is claimed and nothing is known of its send yet."""
        return self.claimed and self.status is Status.QUEUED

    @property
    def succeeded(self) -> bool:
        """Whether the step has ever reached what its chain waits for.

        Looks at all statuses seen and not at the current one, so a success stays one whatever
        comes later, in every order of events.
        """
        least = RANKS[self.success_status]
        return any(status in self.times and RANKS[status] >= least for status in PROGRESS)

    @property
    def arrived(self) -> bool:
        """Whether the recipient has got this step's message."""
        return any(status in self.times for status in ARRIVED)


@dataclass(frozen=True, slots=True)
class Message:
    """The status row: ids, times and statuses, never content or addresses.

    `version` is the compare-and-swap counter of the stored row. `request_hash` is set for requests
    with an Idempotency-Key. `expires_at` is in seconds, as the table's time to live wants it.
    """

    message_id: str
    use_case: UseCase
    steps: tuple[Step, ...]
    created_at: int
    expires_at: int
    updated_at: int = 0
    version: int = 1
    cancelled_at: int | None = None
    request_hash: str | None = None

    @property
    def mains(self) -> list[int]:
        """The main steps: those that a request names."""
        return [index for index, step in enumerate(self.steps) if step.stands_for is None]

    def alternates(self, index: int) -> list[int]:
        """Return the alternates that follow a step, up to the next main step."""
        end = next((main for main in self.mains if main > index), len(self.steps))
        return list(range(index + 1, end))

    def successor(self, index: int) -> int | None:
        """Return the main step that the silence of this one starts, if there is one."""
        if self.use_case is UseCase.BROADCAST:
            return None
        return next((main for main in self.mains if main > index), None)

    def next_on_failure(self, index: int) -> int | None:
        """Return the step that the failure of this one starts, if there is one."""
        step = self.steps[index]
        if step.stopped:
            return None
        # An alternate that fails has stood for others, whose further alternates are still there.
        stands_for: set[int | None] = {index}
        ancestor = step.stands_for
        while ancestor is not None:
            stands_for.add(ancestor)
            ancestor = self.steps[ancestor].stands_for
        for alternate in self.alternates(index):
            other = self.steps[alternate]
            # To try the same again makes sense only where the failure may pass.
            futile = step.permanent and other.delay_seconds
            if other.stands_for in stands_for and step.failure_class in other.after and not futile:
                return alternate
        return self.successor(index)

    @property
    def succeeded(self) -> bool:
        """Whether a chain has reached its goal; a broadcast has no common one."""
        return self.use_case is UseCase.FALLBACK and any(step.succeeded for step in self.steps)

    def reached(self, index: int) -> bool:
        """Whether what a step is for has been reached.

        Of a chain by any step; of a broadcast by the main step or one of its alternates: a text
        that is delivered after all needs no second try.
        """
        if self.use_case is UseCase.FALLBACK:
            return self.succeeded
        main = max(main for main in self.mains if main <= index)
        return any(self.steps[other].succeeded for other in (main, *self.alternates(main)))

    def superseded(self, index: int) -> bool:
        """Whether something later has already been sent in place of this step."""
        later = (
            self.alternates(index)
            if self.use_case is UseCase.BROADCAST
            else range(index + 1, len(self.steps))
        )
        return any(self.steps[other].attempt for other in later)

    @property
    def stopped(self) -> bool:
        """Whether a failure has ended the chain; one that comes after the next send does not."""
        return self.use_case is UseCase.FALLBACK and any(
            step.stopped and not self.superseded(index) for index, step in enumerate(self.steps)
        )

    @property
    def unclaimed(self) -> list[int]:
        """The steps that may still be claimed; alternates only once a failure calls for them."""
        if self.succeeded or self.cancelled_at is not None or self.stopped:
            return []
        called = {self.next_on_failure(index) for index in self._failed}
        return [
            index
            for index, step in enumerate(self.steps)
            if not step.claimed
            and step.status is Status.QUEUED
            and not self.reached(index)
            and not self.superseded(index)
            and (step.stands_for is None or step.attempt or index in called)
        ]

    @property
    def _failed(self) -> list[int]:
        """The failed steps that nothing has been sent in place of."""
        return [
            index
            for index, step in enumerate(self.steps)
            if step.failed and not self.superseded(index)
        ]

    @property
    def may_need_alternates(self) -> bool:
        """Whether a step that has been sent may yet fail in a way that an alternate is for."""
        return not self.stopped and any(
            step.attempt
            and not step.failed
            and not step.stopped
            and not self.reached(index)
            and not self.superseded(index)
            and self.alternates(index)
            for index, step in enumerate(self.steps)
        )

    def over(self, now: int) -> bool:
        """Whether no send can follow any more, so that the content may be deleted.

        A sender that holds a step may give it back, and it is sent again: even one whose sends
        were unclear too often for a further try of its own accord. Once its lease is over, the
        sender is gone.
        """
        if self.succeeded or self.cancelled_at is not None:
            return True
        held = any(now < self.steps[index].lease_until for index in self._unclear)
        return not (held or self.to_resend or self.may_need_alternates or self.unclaimed)

    @property
    def to_resend(self) -> list[int]:
        """The last steps whose send is unclear, and that are sent again after their lease."""
        return [
            index for index in self._unclear if self.steps[index].unclear_sends < MOST_UNCLEAR_SENDS
        ]

    @property
    def _unclear(self) -> list[int]:
        """The last steps of which nothing is known since a sender took them."""
        if self.succeeded or self.cancelled_at is not None:
            return []
        return [
            index
            for index, step in enumerate(self.steps)
            if step.in_flight
            and not self.reached(index)
            and not self.superseded(index)
            and self.successor(index) is None
        ]

    @property
    def failed_over_to(self) -> list[int]:
        """The steps that are to start now because of failures, and that nobody has claimed."""
        unclaimed = self.unclaimed
        called = [self.next_on_failure(index) for index in self._failed]
        return [
            index
            for index in called
            if index is not None and index in unclaimed and not self.steps[index].attempt
        ]

    @property
    def current(self) -> int:
        """The step that the chain has reached."""
        return max((index for index, step in enumerate(self.steps) if step.attempt), default=0)

    @property
    def status(self) -> str:
        """The overall status: of the step that arrived, else of the step the chain has reached."""
        live = [step for step in self.steps if not step.failed]
        best = max(live, key=lambda step: step.rank, default=None)
        if best is not None and best.status in ARRIVED:
            return best.status
        if self.cancelled_at is not None:
            return CANCELLED
        if self.use_case is UseCase.BROADCAST:
            pending = [step for step in live if step.stands_for is None or step.attempt]
            if self.failed_over_to:
                return Status.QUEUED
            return max(pending, key=lambda step: step.rank).status if pending else Status.FAILED
        current = self.steps[self.current]
        return Status.QUEUED if current.failed and self.unclaimed else current.status

    @property
    def delivered_late(self) -> bool:
        """Whether a step succeeded although the chain had already moved on."""
        return any(
            step.succeeded and self.superseded(index) for index, step in enumerate(self.steps)
        )

    @property
    def delivered_twice(self) -> bool:
        """Whether more than one step of a chain arrived."""
        return self.use_case is UseCase.FALLBACK and sum(step.arrived for step in self.steps) > 1

    def gives_up_at(self, outcome_wait_seconds: int) -> int:
        """Return when a message without an outcome is no longer expected to have one."""
        waits = (
            sum(self.steps[index].fallback_seconds for index in self.mains[:-1])
            if self.use_case is UseCase.FALLBACK
            else 0
        )
        return self.created_at + 1000 * (waits + outcome_wait_seconds)

    def with_step(self, index: int, step: Step) -> "Message":
        """Return the message with one step exchanged."""
        return replace(self, steps=(*self.steps[:index], step, *self.steps[index + 1 :]))


def apply(message: Message, events: Iterable[DeliveryEvent]) -> Message:
    """Return the row after the events; each event names a step of this message.

    Events for steps that the message does not have change nothing.
    """
    for event in events:
        index = event.step
        if index is None or not 0 <= index < len(message.steps):
            continue
        step = message.steps[index]
        merged = _merge(step, event)
        if merged != step:
            message = message.with_step(index, merged)
    return message


def _merge(step: Step, event: DeliveryEvent) -> Step:
    """Join an event into a step: earliest time per status, highest verdict, smallest id.

    A stop is joined by OR: it does not depend on what else comes, or when.
    """
    times = step.times
    if event.occurred_at is not None:
        known = times.get(event.status)
        if known is None or event.occurred_at < known:
            times = {**times, event.status: event.occurred_at}
    # The smallest id, because a choice is needed that does not depend on the order. It also makes
    # the id that SendWhatsAppMessage answered (a UUID) win over Meta's ("wamid...").
    ids = [id_ for id_ in (step.provider_message_id, event.provider_message_id) if id_]
    ids += [event.related_message_id] if event.related_message_id else []
    failed = event.status is Status.FAILED
    joined = replace(
        step,
        times=times,
        provider_message_id=min(ids, default=None),
        stopped=step.stopped or (failed and event.failure_class in step.stop_on),
    )
    event_rank = rank(event.status, step.channel, permanent=event.permanent)
    ours = _failure_order(step, step.failure_class, step.failure_reason, permanent=step.permanent)
    theirs = _failure_order(step, event.failure_class, event.reason, permanent=event.permanent)
    if (event_rank, theirs) <= (step.rank, ours):
        return joined
    return replace(
        joined,
        status=event.status,
        failure_class=event.failure_class if failed else None,
        failure_reason=event.reason if failed else None,
        permanent=event.permanent if failed else None,
    )


def _failure_order(
    step: Step, failure_class: FailureClass | None, reason: str | None, *, permanent: bool | None
) -> tuple[bool, str, str, str]:
    """Break ties between failures of one rank without looking at their order of arrival.

    A class that ends the chain comes first: content is gone then, and nothing may start again.
    """
    return (failure_class in step.stop_on, failure_class or "", reason or "", str(permanent))
