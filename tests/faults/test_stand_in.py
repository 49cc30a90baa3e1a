"""The stand-in is DynamoDB as far as the store can tell: the same tests on it and on moto."""

from dataclasses import replace

import pytest

from runtime.channels import CHANNELS
from runtime.clients import data_client
from runtime.domain.message import apply
from runtime.domain.plan import Durations, plan_message
from runtime.domain.status import DeliveryEvent, Status
from runtime.store import ConflictError, Store
from tests.faults.scenarios import chain
from tests.faults.stand_in import DynamoDb

NOW = 1_800_000_000_000


@pytest.fixture(params=["memory", "moto"])
def store(request) -> Store:
    if request.param == "memory":
        client = DynamoDb(lambda *_: None)
    else:
        request.getfixturevalue("world")
        client = data_client("dynamodb")
    return Store(client, "messages", "payloads", "provider-message-ids")


def planned(number: int = 1, **more):
    return plan_message(
        chain("email", "whatsapp") | more,
        message_id=f"00000000-0000-4000-8000-{number:012}",
        now=NOW,
        durations=Durations(60, 3_600, 1),
        split_repairs=lambda channel, content: CHANNELS[channel].split_repairs(content),
    )


def delivered(plan):
    event = DeliveryEvent("email", Status.DELIVERED, "x", step=0, occurred_at=NOW)
    return apply(plan.message, [event])


def test_a_row_and_its_content_are_made_once(store) -> None:
    plan = planned()
    assert store.create(plan) is None
    assert store.create(plan) == plan.message
    assert store.read(plan.message.message_id) == plan.message
    assert store.read_contents(plan.message.message_id) == plan.contents


def test_what_is_not_there_is_not_found(store) -> None:
    assert store.read("nobody") is None
    assert store.read_contents("nobody") is None
    assert store.read_many(["nobody"], consistent=True) == {}
    assert store.find_links(["nobody"]) == ({}, {})


def test_a_row_is_written_by_its_version(store) -> None:
    plan = planned()
    store.create(plan)
    changed = delivered(plan)
    saved = store.save(changed, NOW + 1)
    assert (saved.version, store.read(saved.message_id)) == (2, saved)
    with pytest.raises(ConflictError):
        store.save(changed, NOW + 2)
    assert store.read(saved.message_id) == saved


def test_a_row_that_is_gone_is_not_made_by_a_write(store) -> None:
    with pytest.raises(ConflictError):
        store.save(planned().message, NOW)
    assert store.read(planned().message.message_id) is None


def test_many_rows_are_written_each_by_its_version(store) -> None:
    plans = [planned(number) for number in range(30)]
    for plan in plans:
        store.create(plan)
    store.save(delivered(plans[3]), NOW)
    saved = store.save_many([delivered(plan) for plan in plans], NOW)
    assert saved.conflicts == {plans[3].message.message_id}
    assert not saved.failures
    rows = store.read_many([plan.message.message_id for plan in plans], consistent=False)
    assert {row.version for row in rows.values()} == {2}


def test_contents_are_deleted_and_may_be_gone_before(store) -> None:
    plan = planned()
    store.create(plan)
    assert store.delete_contents([plan.message.message_id, "nobody"]) == set()
    assert store.read_contents(plan.message.message_id) is None
    store.delete_content(plan.message.message_id)


def test_a_cancelled_row_and_the_delete_of_its_content_are_one(store) -> None:
    plan = planned()
    store.create(plan)
    store.save(plan.message, NOW)
    with pytest.raises(ConflictError):
        store.save_and_delete_content(delivered(plan), NOW)
    assert store.read_contents(plan.message.message_id) == plan.contents
    current = store.read(plan.message.message_id)
    saved = store.save_and_delete_content(replace(current, cancelled_at=NOW), NOW)
    assert store.read(saved.message_id) == saved
    assert store.read_contents(saved.message_id) is None


def test_events_wait_for_their_link_and_stay_for_a_repeat(store) -> None:
    event = DeliveryEvent("whatsapp", Status.SENT, "sent", provider_message_id="w", occurred_at=1)
    assert store.park("w", event, NOW) is None
    assert store.park("w", event, NOW) is None
    assert store.link("w", "m", 1, NOW) == [event, event]
    assert store.link("w", "m", 1, NOW) == [event, event]
    assert store.park("w", event, NOW) == ("m", 1)
    assert store.find_links(["v", "w"]) == ({"w": ("m", 1)}, {"w": [event, event]})


def test_what_waits_is_kept_longer_than_any_event_is_late(store) -> None:
    event = DeliveryEvent("whatsapp", Status.SENT, "sent", provider_message_id="w", occurred_at=1)
    store.park("w", event, NOW)
    store.link("linked", "m", 1, NOW)
    # WhatsApp tries to deliver a message for up to 30 days.
    for id_, days in (("w", 3), ("linked", 30)):
        request = {"Keys": [{"provider_message_id": {"S": id_}}], "ConsistentRead": True}
        answer = store.dynamodb.batch_get_item(RequestItems={"provider-message-ids": request})
        (item,) = answer["Responses"]["provider-message-ids"]
        # The stream keeps events for a day, and its failures are replayed within one more.
        assert int(item["expires_at"]["N"]) > NOW // 1000 + days * 86_400


def test_recipients_are_counted_once_per_send(store) -> None:
    assert store.count_recipient("ann", 1, "m:0", 2)
    assert store.count_recipient("ann", 1, "m:1", 2)
    assert store.count_recipient("ann", 1, "m:1", 2)
    assert not store.count_recipient("ann", 1, "n:0", 2)
    assert store.count_recipient("ann", 2, "n:0", 2)
    assert store.count_recipient("bob", 1, "n:0", 2)


def test_a_count_that_is_taken_back_makes_room(store) -> None:
    store.uncount_recipient("ann", 1, "m:0")
    assert store.count_recipient("ann", 1, "m:0", 1)
    store.uncount_recipient("ann", 1, "m:1")
    assert not store.count_recipient("ann", 1, "m:1", 1)
    store.uncount_recipient("ann", 1, "m:0")
    assert store.count_recipient("ann", 1, "m:1", 1)
    assert not store.count_recipient("ann", 1, "m:0", 1)
