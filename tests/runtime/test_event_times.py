"""When something happened: the event's own time, else when it came; the earliest wins."""

import pytest

from tests.support.events import ses, sms, whatsapp
from tests.support.requests import EMAIL, SMS, WHATSAPP, request


def without_times(event):
    """Take out every time that a provider writes into an event."""
    if isinstance(event, dict):
        names = {
            "timestamp",
            "eventTimestamp",
            "messageRequestTimestamp",
            "message_timestamp",
        }
        return {name: without_times(value) for name, value in event.items() if name not in names}
    if isinstance(event, str):  # WhatsApp's webhook is a text
        return event.replace('"timestamp": "1800000005"', '"type": "message"')
    return event


def times(world, message_id: str) -> dict[str, str]:
    return world.document(message_id)["steps"][0]["times"]


@pytest.mark.parametrize(
    ("step", "event"),
    [
        (EMAIL, lambda id_: ses("Delivery", id_, 0)),
        (SMS, lambda id_: sms("TEXT_DELIVERED", id_, 0, final=True)),
        (WHATSAPP, lambda id_: whatsapp("delivered", wamid="wamid.A", echo=f"{id_}:0")),
    ],
    ids=["email", "sms", "whatsapp"],
)
def test_an_event_without_a_time_is_of_its_arrival_and_a_time_of_its_own_comes_first(
    world, step, event
) -> None:
    message_id = world.accept(request(step, SMS))
    world.start(message_id)
    world.now += 60_250
    world.normalize(without_times(event(message_id)))
    assert times(world, message_id)["delivered"] == "2027-01-15T08:01:00.250Z"
    world.normalize(event(message_id))
    assert times(world, message_id)["delivered"] == "2027-01-15T08:00:05.000Z"
    world.normalize(without_times(event(message_id)))
    assert times(world, message_id)["delivered"] == "2027-01-15T08:00:05.000Z"


def test_all_times_of_a_message_are_of_one_unit(world) -> None:
    message_id = world.accept(request())
    world.start(message_id)
    world.normalize(ses("Send", message_id, 0), without_times(ses("Click", message_id, 0)))
    document = world.document(message_id)
    every = [document["created_at"], document["updated_at"], *times(world, message_id).values()]
    assert {at[:11] for at in every} == {"2027-01-15T"}


def test_a_row_says_when_it_was_last_changed_and_by_what(world) -> None:
    message_id = world.accept(request())
    began = world.document(message_id)["updated_at"]
    assert began == "2027-01-15T08:00:00.000Z"
    world.now += 1_000
    world.start(message_id)
    assert world.document(message_id)["updated_at"] == "2027-01-15T08:00:01.000Z"
    world.now += 1_000
    world.normalize(ses("Send", message_id, 0))
    assert world.document(message_id)["updated_at"] == "2027-01-15T08:00:02.000Z"
    world.now += 1_000
    world.normalize(ses("Send", message_id, 0))
    assert world.document(message_id)["updated_at"] == "2027-01-15T08:00:02.000Z"
    world.now += 1_000
    world.cancel(message_id)
    document = world.document(message_id)
    assert document["updated_at"] == document["cancelled_at"] == "2027-01-15T08:00:04.000Z"
