"""How long the counters of recipients are kept, and what they are counted for; in memory."""

import json
from collections.abc import Iterator
from typing import Any

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


def post(world: World, use_case: str = "fallback") -> int:
    body = json.dumps(request(use_case=use_case))
    return int(world.raw_http("POST", "/messages", body, None)["statusCode"])


def counters(world: World) -> list[dict[str, Any]]:
    rows = world.rows()
    return [item for key, item in world.dynamodb.tables["messages"].items() if key not in rows]


@pytest.mark.parametrize("into_the_hour", [0, 1_799_999, 3_599_999])
def test_a_counter_is_kept_for_its_hour_and_not_for_ever(world, into_the_hour) -> None:
    world.now += into_the_hour
    assert post(world, "broadcast") == 202
    assert len(counters(world)) == 2
    for counter in counters(world):
        kept = int(counter["expires_at"]["N"]) - world.now // 1000
        assert 3600 <= kept <= 2 * DAY_SECONDS


def test_a_fallback_is_counted_when_it_is_sent_and_kept_as_long(world) -> None:
    assert post(world) == 202
    (first,) = counters(world)
    world.run(until=world.now + 59_000)
    assert counters(world) == [first]
    world.run(until=world.now + 2_000)
    both = counters(world)
    assert len(both) == 2
    assert {counter["expires_at"]["N"] for counter in both} == {first["expires_at"]["N"]}


def test_messages_at_different_minutes_of_an_hour_count_together(world) -> None:
    for _ in range(3):
        assert post(world) == 202
        world.now += HOUR_MS // 3
        assert post(world) == 429
        world.now += HOUR_MS // 3
        assert post(world) == 429
        world.now += HOUR_MS // 3
