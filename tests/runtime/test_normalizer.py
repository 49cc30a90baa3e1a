"""A batch of events on tables in memory: what is read, written, armed, deleted and counted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from runtime import normalizing, outcomes
from runtime.channels import CHANNELS
from runtime.domain.message import Message
from runtime.domain.plan import Durations, plan_message
from runtime.domain.status import DeliveryEvent, FailureClass, Status
from runtime.normalizing import Normalizer, Received
from runtime.store import Saved, Store
from runtime.timers import Timers
from tests.faults.stand_in import DynamoDb
from tests.support.requests import EMAIL, SMS, WHATSAPP, request

T0 = 1_800_000_000_000


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


@dataclass
class Bench:
    """A normalizer, and all that it is in touch with."""

    monkeypatch: pytest.MonkeyPatch
    now: int = T0
    timers: list[dict[str, Any]] = field(default_factory=list)
    refused_timers: tuple[str, ...] = ()
    counts: list[tuple[str, int]] = field(default_factory=list)
    warnings: list[tuple[Any, ...]] = field(default_factory=list)
    reads: list[tuple[list[str], bool]] = field(default_factory=list)
    deletes: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store(
            DynamoDb(lambda *_: None), "messages", "payloads", "provider-message-ids"
        )
        timers = Timers(self, "timers")
        self.normalizer = Normalizer(self.store, timers, lambda: self.now)
        for meter in (normalizing.meter, outcomes.meter):
            self.monkeypatch.setattr(meter, "count", self.count)
        self.monkeypatch.setattr(
            normalizing.logger, "warning", lambda words, **more: self.warnings.append((words, more))
        )
        read_many, delete_contents = Store.read_many, Store.delete_contents

        def read(store: Store, ids: Sequence[str], *, consistent: bool) -> dict[str, Message]:
            self.reads.append((list(ids), consistent))
            return read_many(store, ids, consistent=consistent)

        def delete(store: Store, ids: Sequence[str]) -> set[str]:
            self.deletes.append(list(ids))
            return delete_contents(store, ids)

        self.monkeypatch.setattr(Store, "read_many", read)
        self.monkeypatch.setattr(Store, "delete_contents", delete)

    def send_message_batch(self, Entries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        failed = []
        for entry in Entries:
            body = json.loads(entry["MessageBody"])
            if body["message_id"] in self.refused_timers:
                failed.append({"Id": entry["Id"]})
            else:
                self.timers.append(body)
        return {"Failed": failed}

    def count(self, name: str, value: int = 1, **_: str) -> None:
        if value and not name.startswith("Messages"):
            self.counts.append((name, value))

    def accept(self, number: int, *steps: dict[str, Any], taken: Sequence[int] = (0,)) -> Message:
        plan = plan_message(
            request(*steps),
            message_id=id_of(number),
            now=T0,
            durations=Durations(60, 3600, 30),
            split_repairs=lambda channel, body: CHANNELS[channel].split_repairs(body),
        )
        message = plan.message
        for index in taken:
            step = replace(message.steps[index], attempt=1, lease_until=T0 + 60_000)
            message = message.with_step(index, step)
        self.store.create(replace(plan, message=message))
        return message

    def row(self, number: int) -> Message:
        row = self.store.read(id_of(number))
        assert row is not None
        return row

    def has_content(self, number: int) -> bool:
        return self.store.read_contents(id_of(number)) is not None

    def apply(self, *events: DeliveryEvent) -> set[str]:
        """Apply a batch, each event of a record of its own: r0, r1 ..."""
        return self.normalizer.apply_events(
            [Received(f"r{number}", event) for number, event in enumerate(events)]
        )


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def event(number: int | None, status: Status, step: int = 0, **more: Any) -> DeliveryEvent:
    values = {
        "channel": "email",
        "status": status,
        "event_type": status,
        "message_id": None if number is None else id_of(number),
        "step": step,
        "occurred_at": T0 + 5,
    }
    return DeliveryEvent(**values | more)


def whatsapp(status: Status, first: str, second: str | None = None, **more: Any) -> DeliveryEvent:
    ids = {"provider_message_id": first, "related_message_id": second}
    return event(None, status, channel="whatsapp", **{"step": None} | ids | more)


DELIVERED, FAILED, SENT = Status.DELIVERED, Status.FAILED, Status.SENT


def test_all_events_of_a_message_are_one_change_of_its_row(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    bench.accept(2, EMAIL, SMS)
    bench.now += 9
    events = (event(1, SENT), event(2, SENT), event(1, DELIVERED), event(1, SENT))
    assert bench.apply(*events) == set()
    assert (bench.row(1).version, bench.row(1).status) == (2, "delivered")
    assert (bench.row(2).version, bench.row(2).status) == (2, "sent")
    assert bench.row(1).updated_at == T0 + 9
    # One look, which may be out of date: the write finds out.
    assert bench.reads == [([id_of(1), id_of(2)], False)]
    assert bench.counts == [("EventsApplied", 1)] * 4


def test_events_that_are_known_write_nothing(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    bench.apply(event(1, SENT))
    bench.apply(event(1, SENT))
    assert bench.row(1).version == 2
    # They have come from the provider all the same.
    assert bench.counts == [("EventsApplied", 1)] * 2


def test_an_event_of_a_step_that_the_message_does_not_have_changes_and_counts_nothing(
    bench,
) -> None:
    bench.accept(1, EMAIL, SMS)
    events = [event(1, SENT, step) for step in (-1, 2, None)]
    assert bench.apply(*events) == set()
    assert bench.row(1).version == 1
    assert bench.counts == []
    bench.apply(event(1, SENT, 1))
    assert bench.counts == [("EventsApplied", 1)]


def test_an_event_that_names_no_message_is_counted(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    assert bench.apply(event(None, SENT), event(1, SENT), event(None, DELIVERED)) == set()
    assert bench.counts == [("EventsUnmatched", 1)] * 2 + [("EventsApplied", 1)]
    assert bench.row(1).status == "sent"


def test_events_of_a_row_that_is_gone_are_counted_after_a_second_look(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    assert bench.apply(event(7, SENT), event(7, DELIVERED), event(1, SENT)) == set()
    assert bench.counts == [("EventsApplied", 1), ("EventsUnmatched", 2)]
    assert bench.reads == [([id_of(1), id_of(7)], False), ([id_of(7)], True)]


def test_content_is_deleted_with_the_event_that_ends_its_message(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    bench.accept(2, EMAIL, SMS)
    bench.apply(event(1, DELIVERED), event(2, SENT))
    assert (bench.has_content(1), bench.has_content(2)) == (False, True)
    assert bench.deletes == [[id_of(1)]]


def test_an_event_that_comes_again_deletes_again_and_a_new_one_does_not(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    bench.apply(event(1, DELIVERED))
    bench.deletes.clear()
    bench.apply(event(1, Status.READ))
    assert bench.deletes == [[]]
    bench.apply(event(1, DELIVERED))
    assert bench.deletes == [[], [id_of(1)]]
    bench.apply(event(1, Status.COMPLAINED), event(1, DELIVERED))
    assert bench.deletes == [[], [id_of(1)], [id_of(1)]]


def test_a_failure_starts_the_next_step_now(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    bench.accept(2, EMAIL, SMS)
    bench.now += 9
    bench.apply(event(1, FAILED), event(2, SENT))
    assert bench.timers == [{"message_id": id_of(1), "step": 1, "due_at": T0 + 9}]
    assert bench.has_content(1)
    # Again, because the first delivery may have died before the timer.
    bench.apply(event(1, FAILED))
    assert len(bench.timers) == 2


def test_the_record_whose_timer_was_refused_comes_again_and_no_other(bench) -> None:
    for number in range(15):
        bench.accept(number, EMAIL, SMS)
    bench.refused_timers = (id_of(12),)
    events = [event(number, FAILED) for number in range(15)]
    assert bench.apply(*events, event(12, SENT)) == {"r12", "r15"}
    assert len(bench.timers) == 14


def test_the_record_whose_delete_failed_comes_again_and_no_other(bench, monkeypatch) -> None:
    bench.accept(1, EMAIL, SMS)
    bench.accept(2, EMAIL, SMS)
    monkeypatch.setattr(Store, "delete_contents", lambda *_: {id_of(2)})
    assert bench.apply(event(1, DELIVERED), event(2, DELIVERED)) == {"r1"}
    assert bench.row(2).status == "delivered"


def saving(bench: Bench, answer: Any) -> list[list[str]]:
    """Have the first writes end as `answer` says; return the ids of each call."""
    calls: list[list[str]] = []
    save_many = Store.save_many

    def save(store: Store, messages: Sequence[Message], now: int) -> Saved:
        calls.append(sorted(message.message_id for message in messages))
        saved = answer(len(calls))
        spared = [
            message
            for message in messages
            if message.message_id not in saved.conflicts | saved.failures
        ]
        save_many(store, spared, now)
        return saved

    bench.monkeypatch.setattr(Store, "save_many", save)
    return calls


NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize("times", [1, 3, 7])
def test_a_row_that_was_written_meanwhile_is_read_as_it_is_and_written_again(bench, times) -> None:
    bench.accept(1, EMAIL, SMS)
    bench.accept(2, EMAIL, SMS)
    conflict = Saved(frozenset({id_of(1)}), NONE)
    calls = saving(bench, lambda call: conflict if call <= times else Saved(NONE, NONE))
    assert bench.apply(event(1, FAILED), event(2, DELIVERED)) == set()
    assert calls == [[id_of(1), id_of(2)]] + [[id_of(1)]] * times
    assert bench.reads[0][1] is False
    assert bench.reads[1:] == [([id_of(1)], True)] * times
    # What the row asks for is done once it is written, and once.
    assert [timer["message_id"] for timer in bench.timers] == [id_of(1)]
    assert not bench.has_content(2)
    assert bench.warnings == []
    assert bench.counts == [("EventsApplied", 1)] * 2


def test_a_row_in_conflict_all_the_time_brings_its_records_back(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    bench.accept(2, EMAIL, SMS)
    calls = saving(bench, lambda _: Saved(frozenset({id_of(1)}), NONE))
    assert bench.apply(event(1, SENT), event(2, SENT), event(1, DELIVERED)) == {"r0", "r2"}
    assert 3 <= len(calls) <= 20
    assert bench.warnings == [("rows in conflict too often", {"count": 1})]
    assert bench.row(1).version == 1
    assert bench.counts == [("EventsApplied", 1)]


def test_a_row_that_could_not_be_written_brings_its_records_back_and_starts_nothing(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    bench.accept(2, EMAIL, SMS)
    saving(bench, lambda _: Saved(NONE, frozenset({id_of(1)})))
    counted: list[str] = []
    bench.monkeypatch.setattr(
        normalizing, "count_changes", lambda before, _: counted.append(before.message_id)
    )
    assert bench.apply(event(1, FAILED), event(2, FAILED)) == {"r0"}
    assert [timer["message_id"] for timer in bench.timers] == [id_of(2)]
    assert counted == [id_of(2)]
    assert bench.counts == [("EventsApplied", 1)]


def test_a_failure_of_one_row_and_a_conflict_of_another_are_both_told(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    bench.accept(2, EMAIL, SMS)
    first = Saved(frozenset({id_of(2)}), frozenset({id_of(1)}))
    saving(bench, lambda call: first if call == 1 else Saved(NONE, NONE))
    assert bench.apply(event(1, SENT), event(2, SENT)) == {"r0"}
    assert bench.row(2).status == "sent"


def test_a_whatsapp_event_without_our_id_is_joined_by_the_providers(bench) -> None:
    bench.accept(1, WHATSAPP, SMS)
    bench.store.link("aws", id_of(1), 0, T0)
    assert bench.apply(whatsapp(SENT, "aws")) == set()
    assert bench.row(1).status == "sent"
    # Of the two ids that come together, the other is known from now on.
    bench.apply(whatsapp(Status.ACCEPTED, "meta", "aws"))
    assert bench.store.find_links(["meta"])[0] == {"meta": (id_of(1), 0)}
    bench.apply(whatsapp(DELIVERED, "meta"))
    assert bench.row(1).status == "delivered"
    assert bench.counts == [("EventsApplied", 1)] * 3


def test_an_event_of_an_unknown_id_waits_and_is_applied_with_the_link(bench) -> None:
    bench.accept(1, WHATSAPP, SMS)
    assert bench.apply(whatsapp(DELIVERED, "meta")) == set()
    assert bench.apply(whatsapp(Status.READ, "meta")) == set()
    assert bench.counts == [("EventsParked", 1)] * 2
    assert bench.row(1).version == 1
    bench.store.link("aws", id_of(1), 0, T0)
    bench.apply(whatsapp(Status.ACCEPTED, "meta", "aws"))
    assert bench.row(1).status == "read"
    # With its message known, each of those that waited is an event of it.
    assert bench.counts[2:] == [("EventsApplied", 1)] * 3
    assert bench.row(1).steps[0].times.keys() >= {"accepted", "delivered", "read"}


def test_an_event_waits_under_the_id_that_the_sender_is_going_to_link(bench) -> None:
    bench.apply(whatsapp(Status.ACCEPTED, "meta", "aws"))
    assert set(bench.store.dynamodb.tables["provider-message-ids"]) == {"aws"}
    assert bench.counts == [("EventsParked", 1)]


def test_an_event_with_our_id_links_both_of_the_providers(bench) -> None:
    bench.accept(1, WHATSAPP, SMS)
    ours = {"message_id": id_of(1), "step": 0}
    bench.apply(whatsapp(Status.ACCEPTED, "meta", "aws", **ours))
    links = bench.store.find_links(["meta", "aws"])[0]
    assert links == dict.fromkeys(("meta", "aws"), (id_of(1), 0))
    assert bench.row(1).status == "accepted"
    # With one id there is nothing to link.
    bench.apply(whatsapp(SENT, "only", **ours))
    assert bench.store.find_links(["only"])[0] == {}
    assert bench.row(1).status == "sent"


def test_what_waits_for_an_id_that_is_linked_already_is_applied(bench) -> None:
    bench.accept(1, WHATSAPP, SMS)
    bench.store.park("aws", whatsapp(DELIVERED, "aws"), T0)
    # Who linked it has died before it applied what had waited.
    bench.store.link("aws", id_of(1), 0, T0)
    bench.apply(whatsapp(SENT, "aws"))
    assert bench.row(1).status == "delivered"


def test_an_event_that_was_linked_while_it_was_to_wait_is_applied(bench, monkeypatch) -> None:
    bench.accept(1, WHATSAPP, SMS)
    bench.store.link("aws", id_of(1), 0, T0)
    monkeypatch.setattr(Store, "find_links", lambda *_: ({}, {}))
    assert bench.apply(whatsapp(SENT, "aws")) == set()
    assert bench.row(1).status == "sent"
    assert bench.counts == [("EventsApplied", 1)]


def test_mail_and_whatsapp_of_one_batch_are_both_applied(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    bench.accept(2, WHATSAPP, SMS)
    bench.accept(3, WHATSAPP, SMS)
    bench.store.link("two", id_of(2), 0, T0)
    bench.store.link("three", id_of(3), 0, T0)
    batch = (event(1, SENT), whatsapp(SENT, "two"), whatsapp(DELIVERED, "three"), event(1, FAILED))
    assert bench.apply(*batch) == set()
    assert [bench.row(number).status for number in (1, 2, 3)] == ["queued", "sent", "delivered"]


def test_a_batch_without_whatsapp_asks_for_no_links(bench, monkeypatch) -> None:
    bench.accept(1, EMAIL, SMS)
    monkeypatch.setattr(Store, "find_links", lambda *_: pytest.fail("asked for links"))
    bench.apply(event(1, SENT))
    assert bench.row(1).status == "sent"


def test_the_ids_of_a_batch_are_asked_for_once(bench, monkeypatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(Store, "find_links", lambda _, ids: asked.append(list(ids)) or ({}, {}))
    bench.apply(whatsapp(SENT, "b", "a"), whatsapp(DELIVERED, "b"))
    assert asked == [["a", "b"]]


def test_a_failure_with_its_class_is_written_as_it_came(bench) -> None:
    bench.accept(1, EMAIL, SMS)
    failed = event(1, FAILED, failure_class=FailureClass.SUPPRESSED, permanent=True, reason="why")
    bench.apply(failed)
    step = bench.row(1).steps[0]
    assert (step.failure_class, step.permanent, step.failure_reason) == ("suppressed", True, "why")


def test_the_records_of_all_messages_that_failed_come_again(bench) -> None:
    for number in (1, 2, 3):
        bench.accept(number, EMAIL, SMS)
    saving(bench, lambda _: Saved(NONE, frozenset({id_of(1), id_of(3)})))
    assert bench.apply(event(1, SENT), event(2, SENT), event(3, SENT)) == {"r0", "r2"}


def test_an_event_whose_id_is_known_is_not_written_to_wait(bench, monkeypatch) -> None:
    bench.accept(1, WHATSAPP, SMS)
    bench.store.link("aws", id_of(1), 0, T0)
    monkeypatch.setattr(Store, "park", lambda *_: pytest.fail("parked"))
    bench.apply(whatsapp(SENT, "aws"), whatsapp(Status.ACCEPTED, "meta", "aws"))
    assert bench.row(1).status == "sent"
