"""How long the counters of recipients are kept, and what they are counted for."""

import pytest

from tests.support.requests import request

DAY_SECONDS = 86_400


@pytest.mark.parametrize("into_the_hour", [0, 1_799_999, 3_599_999])
def test_a_counter_is_kept_for_its_hour_and_not_for_ever(world, monkeypatch, into_the_hour) -> None:
    monkeypatch.setenv("MESSAGES_PER_RECIPIENT_PER_HOUR", "1")
    world.now += into_the_hour
    message_id = world.accept(request())
    counters = [
        row
        for row in world.dynamodb.scan(TableName="messages")["Items"]
        if row["message_id"]["S"] != message_id
    ]
    assert len(counters) == 2
    for counter in counters:
        kept = int(counter["expires_at"]["N"]) - world.now // 1000
        assert 3600 <= kept <= 2 * DAY_SECONDS


def test_an_hour_that_is_over_does_not_count_for_the_next(world, monkeypatch) -> None:
    monkeypatch.setenv("MESSAGES_PER_RECIPIENT_PER_HOUR", "1")
    for _ in range(3):
        world.accept(request())
        assert world.post(request()).status == 429
        world.now += 3_600_000
