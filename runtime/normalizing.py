"""From a batch of provider events to few row changes.

All events of one message in the batch become one change of its row; rows are read 100 a call and
written 25 a call. What a crash leaves undone the next delivery of the same events completes: the
follow-ups (timers, deletes) depend on the state of the row and not on having changed it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .channels import CHANNELS
from .domain.message import Message, apply
from .domain.status import ARRIVED, DeliveryEvent, Status
from .store import Store, link_all
from .telemetry import logger, meter
from .timers import Timer, Timers, timers_after_failures

_MOST_ROUNDS: Final = 8


@dataclass(frozen=True, slots=True)
class Received:
    """An event and the record that it came in."""

    record: str
    event: DeliveryEvent


@dataclass(frozen=True, slots=True)
class Normalizer:
    """Applies delivery events to rows, and does what the new rows ask for."""

    store: Store
    timers: Timers
    clock: Callable[[], int]

    def apply_events(self, received: Sequence[Received]) -> set[str]:
        """Apply a batch; return the records that have to come again."""
        located = self._locate(received)
        failed: set[str] = set()
        events: dict[str, list[DeliveryEvent]] = defaultdict(list)
        records: dict[str, set[str]] = defaultdict(set)
        for item in located:
            message_id = item.event.message_id
            if message_id is None:
                meter.count("EventsUnmatched")
            else:
                events[message_id].append(item.event)
                records[message_id].add(item.record)
        for message_id in self._write(events):
            failed |= records[message_id]
        return failed

    def _locate(self, received: Sequence[Received]) -> list[Received]:
        """Give our ids to the events that came without them, through the provider's ids."""
        unknown = [item for item in received if _needs_join(item.event)]
        located = [item for item in received if not _needs_join(item.event)]
        if not unknown:
            return located
        now = self.clock()
        ids = {id_ for item in unknown for id_ in _ids(item.event)}
        links, parked = self.store.find_links(sorted(ids))
        for item in unknown:
            link = next((links[id_] for id_ in _ids(item.event) if id_ in links), None)
            if link is None:
                # AWS's id, where there are two: it is the one that the sender is going to link.
                link = self.store.park(_ids(item.event)[-1], item.event, now)
            if link is None:
                continue
            message_id, step = link
            ours = replace(item.event, message_id=message_id, step=step)
            located.append(replace(item, event=ours))
            unlinked = [id_ for id_ in _ids(item.event) if id_ not in links]
            waiting = link_all(self.store, unlinked, message_id, step, now)
            links |= dict.fromkeys(unlinked, link)
            # What waited for an id that is linked already: whoever linked it may have died before
            # it applied them.
            waiting += [
                replace(event, message_id=message_id, step=step)
                for id_ in _ids(item.event)
                for event in parked.get(id_, [])
            ]
            located += [Received(item.record, event) for event in waiting]
        return located

    def _write(self, events: Mapping[str, Sequence[DeliveryEvent]]) -> set[str]:
        """Read, apply and write, again after conflicts; return the ids that failed."""
        failures: set[str] = set()
        pending = set(events)
        # The first look is cheap and may be stale: then its write conflicts, or its row is missing.
        consistent = False
        for _ in range(_MOST_ROUNDS):
            rows = self.store.read_many(sorted(pending), consistent=consistent)
            missing = pending - rows.keys()
            changed: dict[str, tuple[Message, Message]] = {}
            settled: list[tuple[Message, Message]] = []
            for message_id, before in rows.items():
                after = apply(before, events[message_id])
                if after == before:
                    settled.append((before, after))
                else:
                    changed[message_id] = (before, after)
            now = self.clock()
            # Before the write: if it came after and died, the events that come again could come
            # with new ones, and nobody could tell that the content is still there.
            kept = self.store.delete_contents(
                [after.message_id for before, after in changed.values() if _ends(before, after)]
            )
            saved = self.store.save_many([after for _, after in changed.values()], now)
            failures |= saved.failures
            written = [
                pair
                for message_id, pair in changed.items()
                if message_id not in saved.conflicts | saved.failures
            ]
            for before, after in written:
                _count(before, after)
            failures |= self._follow_up([*written, *settled], kept, now)
            if consistent:
                # No row for an id of ours: it is older than the table's time to live.
                meter.count("EventsUnmatched", sum(len(events[id_]) for id_ in missing))
                missing = set()
            pending = set(saved.conflicts) | missing
            if not pending:
                return failures
            consistent = True
        logger.warning("rows in conflict too often", count=len(pending))
        return failures | pending

    def _follow_up(
        self, pairs: Sequence[tuple[Message, Message]], kept: set[str], now: int
    ) -> set[str]:
        """Start the successors of failed steps, and delete content that was left behind.

        `kept` are the ids whose content could not be deleted. Returns the ids that failed.
        """
        # A sender that has died before its delete is delivered again and makes up for it. A cancel
        # is not, and events of a row that need no change may be those of a delete that failed.
        left = [
            after.message_id
            for before, after in pairs
            if after.over and (before == after or after.cancelled_at is not None)
        ]
        kept = kept | self.store.delete_contents(left)
        timers = [timer for _, after in pairs for timer in timers_after_failures(after, now)]
        # The sender deletes too, when it finds nothing to send.
        timers += [
            Timer(after.message_id, after.current, now)
            for _, after in pairs
            if after.message_id in kept
        ]
        return {timer.message_id for timer in self.timers.arm_all(timers, now)}


def _ends(before: Message, after: Message) -> bool:
    """Whether this change is the one after which no send can follow."""
    return after.over and not before.over


def _needs_join(event: DeliveryEvent) -> bool:
    return event.message_id is None and not CHANNELS[event.channel].echoes_our_id


def _ids(event: DeliveryEvent) -> list[str]:
    return [id_ for id_ in (event.provider_message_id, event.related_message_id) if id_]


def _count(before: Message, after: Message) -> None:
    """Count what this change of a row brought, once per change."""
    for old, new in zip(before.steps, after.steps, strict=True):
        if new.arrived and not old.arrived:
            meter.count("MessagesDelivered", channel=new.channel)
            at = min(new.times[status] for status in ARRIVED if status in new.times)
            meter.observe("TimeToDelivery", max(0, at - after.created_at), channel=new.channel)
        if new.status is Status.FAILED and old.status is not Status.FAILED:
            meter.count("MessagesFailed", channel=new.channel)
    if after.delivered_late and not before.delivered_late:
        meter.count("DeliveredLate")
    if after.delivered_twice and not before.delivered_twice:
        meter.count("DeliveredTwice")
