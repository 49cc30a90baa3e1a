"""Times to live: DynamoDB takes seconds since the epoch, and keeps what it cannot read for ever."""

import pytest

from tests.support.events import whatsapp
from tests.support.requests import EMAIL, SMS, WHATSAPP, request

HOUR, DAY = 3_600, 86_400
YEAR = 366 * DAY


def accept_a_message(world) -> None:
    world.accept(request())


def send_by_whatsapp(world) -> None:
    world.start(world.accept(request(WHATSAPP, SMS)))


def wait_for_an_unknown_message(world) -> None:
    world.normalize(whatsapp("delivered", wamid="wamid.A"))


def arrive_by_whatsapp(world) -> None:
    """Link an id, let it have an event that waits, and link it again."""
    wait_for_an_unknown_message(world)
    message_id = world.accept(request(WHATSAPP, SMS))
    world.start(message_id)
    world.normalize(
        whatsapp("accepted", wamid="wamid.A", aws_id="00000001", echo=f"{message_id}:0")
    )


def cancel_a_message(world) -> None:
    world.cancel(world.accept(request(EMAIL, SMS)))


# Of each kind of item, how long it must be kept at least, and at most, in seconds.
BOUNDS = {
    "row": (DAY, YEAR),
    "counter": (HOUR, 3 * HOUR),
    "content": (14 * DAY, YEAR),
    "link": (3 * DAY, YEAR),
    "waiting": (3 * DAY, YEAR),
}


def kind_of(table: str, item: dict) -> str:
    if table == "messages":
        return "row" if "steps" in item else "counter"
    if table == "payloads":
        return "content"
    return "link" if "message_id" in item else "waiting"


@pytest.mark.parametrize(
    ("act", "kinds"),
    [
        (accept_a_message, {"row", "counter", "content"}),
        (send_by_whatsapp, {"row", "counter", "content", "link"}),
        (wait_for_an_unknown_message, {"waiting"}),
        (arrive_by_whatsapp, {"row", "counter", "link"}),
        (cancel_a_message, {"row", "counter"}),
    ],
)
def test_everything_that_is_stored_expires_and_says_when_in_seconds(
    world, monkeypatch, act, kinds
) -> None:
    monkeypatch.setenv("MESSAGES_PER_RECIPIENT_PER_HOUR", "5")
    act(world)
    found = set()
    for table in ("messages", "payloads", "provider-message-ids"):
        for item in world.dynamodb.scan(TableName=table)["Items"]:
            kind = kind_of(table, item)
            found.add(kind)
            least, most = BOUNDS[kind]
            left = int(item["expires_at"]["N"]) - world.now // 1000
            assert least <= left <= most, (kind, item)
    assert found == kinds
