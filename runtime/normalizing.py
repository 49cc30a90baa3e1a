"""From a batch of provider events to few row changes.

All events of one message in the batch become one change of its row; rows are read 100 a call and
written 25 a call. What a crash leaves undone the next delivery of the same events completes: the
follow-ups (timers, deletes) depend on the state of the row and not on having changed it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .batches import in_parallel
from .channels import CHANNELS
from .domain.message import Message, apply
from .domain.status import DeliveryEvent
from .outcomes import count_changes, count_events
from .store import Store, link_all
from .telemetry import logger, meter
from .timers import Timers, timers_after_failures

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
        joined = [item for item in received if _needs_join(item.event)]
        located = [item for item in received if not _needs_join(item.event)]
        if not joined:
            return located
        ids = {id_ for item in joined for id_ in _ids(item.event)}
        links, parked = self.store.find_links(sorted(ids))
        for found in self.store.in_parallel(lambda item: self._join(item, links, parked), joined):
            located += found
        return located

    def _join(
        self,
        item: Received,
        links: Mapping[str, tuple[str, int]],
        parked: Mapping[str, Sequence[DeliveryEvent]],
    ) -> list[Received]:
        """Find the message of one event; return the event and those that have waited for it."""
        now, ids = self.clock(), _ids(item.event)
        if item.event.message_id is not None and item.event.step is not None:
            link: tuple[str, int] | None = (item.event.message_id, item.event.step)
        else:
            link = next((links[id_] for id_ in ids if id_ in links), None)
        if link is None:
            # AWS's id, where there are two: it is the one that the sender is going to link.
            link = self.store.park(ids[-1], item.event, now)
        if link is None:
            meter.count("EventsParked")
            return []
        message_id, step = link
        unlinked = [id_ for id_ in ids if id_ not in links]
        waiting = link_all(self.store, unlinked, message_id, step, now)
        # What waited for an id that is linked already: whoever linked it may have died before it
        # applied them.
        waiting += [event for id_ in ids for event in parked.get(id_, [])]
        return [
            replace(item, event=replace(event, message_id=message_id, step=step))
            for event in (item.event, *waiting)
        ]

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
            saved = self.store.save_many([after for _, after in changed.values()], now)
            failures |= saved.failures
            written = [
                pair
                for message_id, pair in changed.items()
                if message_id not in saved.conflicts | saved.failures
            ]
            for before, after in written:
                count_changes(before, after)
            for _, after in (*written, *settled):
                count_events(after, events[after.message_id])
            failures |= self._follow_up([*written, *settled], events, now)
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
        self,
        pairs: Sequence[tuple[Message, Message]],
        events: Mapping[str, Sequence[DeliveryEvent]],
        now: int,
    ) -> set[str]:
        """Start what failures call for, and delete content that nobody needs any more.

        Returns the ids of the messages for which that failed.
        """
        timers = [timer for _, after in pairs for timer in timers_after_failures(after, now)]
        # Where this change was the one that ended the message. Also where an event is known
        # already: it may have come again because its first delivery died before the delete.
        done = [
            after.message_id
            for before, after in pairs
            if after.over(now)
            and (not before.over(now) or _some_are_known(before, events[after.message_id]))
        ]

        def arm() -> set[str]:
            return {timer.message_id for timer in self.timers.arm_all(timers, now)}

        def delete() -> set[str]:
            return self.store.delete_contents(done)

        # A message that is over has no timer to start, so neither waits for the other.
        failed = in_parallel("follow up", lambda work: work(), [arm, delete], concurrency=2)
        return set().union(*failed)


def _some_are_known(before: Message, events: Sequence[DeliveryEvent]) -> bool:
    return any(apply(before, [event]) == before for event in events)


def _needs_join(event: DeliveryEvent) -> bool:
    """Whether an event has to be joined by the provider's ids.

    With our id too, if it carries both of the provider's: later ones may have only one of them.
    """
    if CHANNELS[event.channel].echoes_our_id:
        return False
    return event.message_id is None or event.related_message_id is not None


def _ids(event: DeliveryEvent) -> list[str]:
    return [id_ for id_ in (event.provider_message_id, event.related_message_id) if id_]
