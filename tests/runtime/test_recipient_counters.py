"""How long the counters of recipients are kept, and what they are counted for; in memory."""

import json
from collections.abc import Iterator

import pytest

from tests.faults.world import World, in_memory
from tests.support.requests import request

DAY_SECONDS = 86_400
HOUR_MS = 3_600_000


@pytest.fixture
def world(monkeypatch) -> Iterator[World]:
    with in_memory() as begin:
        monkeypatch.setenv("MESSAGES_PER_RECIPIENT_PER_HOUR", "1")
        yield begin()


def post(world: World) -> int:
    return int(world.raw_http("POST", "/messages", json.dumps(request()), None)["statusCode"])


@pytest.mark.parametrize("into_the_hour", [0, 1_799_999, 3_599_999])
def test_a_counter_is_kept_for_its_hour_and_not_for_ever(world, into_the_hour) -> None:
    world.now += into_the_hour
    assert post(world) == 202
    rows = world.rows()
    counters = [item for key, item in world.dynamodb.tables["messages"].items() if key not in rows]
    assert len(counters) == 2
    for counter in counters:
        kept = int(counter["expires_at"]["N"]) - world.now // 1000
        assert 3600 <= kept <= 2 * DAY_SECONDS


def test_messages_at_different_minutes_of_an_hour_count_together(world) -> None:
    for _ in range(3):
        assert post(world) == 202
        world.now += HOUR_MS // 3
        assert post(world) == 429
        world.now += HOUR_MS // 3
        assert post(world) == 429
        world.now += HOUR_MS // 3
