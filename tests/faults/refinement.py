"""Every write of every history is a step of the pure model, and the last row is the model's.

The model is `runtime.domain`: claim, release, cancel and apply on values, without tables.
"""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from runtime import rows
from runtime.channels import minimize_event, parse_event
from runtime.domain.decision import cancel, claim, release
from runtime.domain.message import Message, apply
from runtime.domain.status import DeliveryEvent, FailureClass, Status
from tests.faults.invariants import LEASE_MS, check
from tests.faults.providers import Emitted

if TYPE_CHECKING:
    from tests.faults.world import World


def check_refinement(world: "World") -> None:
    """Compare each message's history of rows with the model."""
    for message_id, items in world.watch.histories.items():
        history = [rows.decode_message(item) for item in items]
        last = history[-1]
        emitted = [event for event in world.providers.emitted if event.message_id == message_id]
        certain = _parsed(
            event
            for event in emitted
            if world.providers.can_find_row(event, last.steps[event.step].provider_message_id)
        )
        possible = [*_parsed(emitted), *_conclusions(world, message_id, last)]
        for before, after in itertools.pairwise(history):
            check(
                _is_model_step(before, after, possible),
                "R every write is of the model",
                before,
                after,
            )
        check(_same(apply(last, certain), last), "R the row is the model's", last, certain)


def _same(one: Message, other: Message) -> bool:
    """Compare rows but for what the store counts."""
    return replace(one, version=0, updated_at=0) == replace(other, version=0, updated_at=0)


def _is_model_step(before: Message, after: Message, events: list[DeliveryEvent]) -> bool:
    for index, (old, new) in enumerate(zip(before.steps, after.steps, strict=True)):
        if new.attempt > old.attempt:
            successor = before.successor(index)
            due_at = None if successor is None else after.steps[successor].due_at
            if successor is not None and due_at == before.steps[successor].due_at:
                due_at = None
            lease = new.lease_until - LEASE_MS
            model = claim(
                before,
                index,
                lease,
                holder=new.holder or "",
                lease_ms=LEASE_MS,
                successor_due_at=due_at,
            )
            return _same(model, after)
        if old.lease_until and not new.lease_until:
            retry_at = new.due_at or 0
            model = release(before, index, holder=old.holder or "", retry_at=retry_at)
            return _same(model, after)
    if after.cancelled_at is not None and before.cancelled_at is None:
        model_or_none = cancel(before, after.cancelled_at)
        return model_or_none is not None and _same(model_or_none, after)
    # Some of the events have been joined in: nothing else, and nothing is gone.
    return _same(apply(before, events), apply(after, events))


def _parsed(emitted: Iterable[Emitted]) -> list[DeliveryEvent]:
    return [
        replace(event, message_id=one.message_id, step=one.step)
        for one in emitted
        for event in parse_event(minimize_event(one.body))  # as the relay puts it on the stream
    ]


def _conclusions(world: "World", message_id: str, last: Message) -> list[DeliveryEvent]:
    """Return what senders may have learnt from answers, or concluded when they gave a step up."""
    answers = [event for event in world.providers.answers if event.message_id == message_id]
    return answers + [
        DeliveryEvent(
            channel=step.channel,
            status=Status.FAILED,
            event_type="send",
            message_id=message_id,
            step=index,
            failure_class=step.failure_class,
            reason=step.failure_reason,
            permanent=step.permanent,
            occurred_at=step.times.get(Status.FAILED),
        )
        for index, step in enumerate(last.steps)
        if step.failure_class in (FailureClass.THROTTLED, FailureClass.EXPIRED)
    ]
