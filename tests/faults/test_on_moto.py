"""The same histories on moto: crashes at botocore's own events, and the same rows as in memory.

What is in memory is fast and ours; moto is slow and somebody else's. They have to agree.
"""

import base64
from collections.abc import Iterator
from typing import Any

import moto
import pytest

from runtime.clients import data_client
from tests.faults.faults import Fault
from tests.faults.scenarios import SCENARIOS
from tests.faults.sweep import outcome, play
from tests.faults.world import Watched, World, in_memory, runtime_in

WRITES = ("UpdateItem", "TransactWriteItems", "DeleteItem")
TABLES = {
    "messages": "message_id",
    "payloads": "message_id",
    "provider-message-ids": "provider_message_id",
}
# Every so manieth scenario is crashed, at every so manieth call.
SCENARIO_STRIDE = 12
CALL_STRIDE = 4


class MotoWorld(World):
    """A world whose tables, queues and stream are moto's; `faults` go by botocore's calls."""

    real: dict[str, Any]

    def begin(self) -> None:
        self.provider_client = Watched("provider", self.provider_client._client, self.calls)
        self.known: dict[str, dict[str, Any]] = {}
        self.records: list[dict[str, Any]] = []
        self.fault: Fault | None = None
        self.is_looking = False
        for service, client in self.real.items():
            events = client.meta.events
            # First, so that moto is not asked when the process is dead already.
            events.register_first(f"before-send.{service}", self._before, unique_id="before")
            events.register(f"after-call.{service}", self._after, unique_id="after")
        for table, key in TABLES.items():
            for item in self._scan(table):
                self.real["dynamodb"].delete_item(TableName=table, Key={key: item[key]})

    def end(self) -> None:
        for service, client in self.real.items():
            client.meta.events.unregister(f"before-send.{service}", unique_id="before")
            client.meta.events.unregister(f"after-call.{service}", unique_id="after")

    @property
    def _is_watched(self) -> bool:
        """Whether a function makes the call, and not the world."""
        return bool(self.calls.dead) and not self.is_looking

    def _before(self, event_name: str, **_: Any) -> None:
        if self._is_watched:
            self.fault = self.calls.begin(event_name.removeprefix("before-send."))

    def _after(self, event_name: str, **_: Any) -> None:
        if self._is_watched:
            fault, name = self.fault, event_name.removeprefix("after-call.")
            if name.partition(".")[2] in WRITES:
                self._look()
            self.calls.end(name, fault)

    def _look(self) -> None:
        for key, row in self.rows().items():
            if row != self.known.get(key):
                before, self.known[key] = self.known.get(key), row
                self.watch.wrote("messages", before, row)

    def _scan(self, table: str) -> list[dict[str, Any]]:
        self.is_looking = True
        try:
            return list(self.real["dynamodb"].scan(TableName=table)["Items"])
        finally:
            self.is_looking = False

    def client(self, service: str) -> Any:
        return self.real[service]

    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["message_id"]["S"]: row for row in self._scan("messages") if "steps" in row}

    def contents(self) -> set[str]:
        return {item["message_id"]["S"] for item in self._scan("payloads")}

    def stream(self) -> list[dict[str, Any]]:
        return self.records

    def collect(self) -> None:
        account = moto.core.DEFAULT_ACCOUNT_ID
        queues = moto.backends.get_backend("sqs")[account]["us-east-1"].queues
        for name in ("intake", "timers", "quarantine"):
            for message in queues[name]._messages:
                delay = max(0, message.delayed_until - message.sent_timestamp)
                self.put(name, message.body, self.now + 1000 * round(delay / 1000))
            queues[name]._messages.clear()
        (stream,) = moto.backends.get_backend("kinesis")[account]["us-east-1"].streams.values()
        (shard,) = stream.shards.values()
        for record in shard.records.values():
            data = record.data if isinstance(record.data, bytes) else base64.b64decode(record.data)
            number = str(len(self.records) + 1)
            self.records.append(
                {"Data": data, "PartitionKey": record.partition_key, "SequenceNumber": number}
            )
        shard.records.clear()


@pytest.fixture
def begin(world) -> Iterator[Any]:
    MotoWorld.real = {service: data_client(service) for service in ("dynamodb", "sqs", "kinesis")}
    with runtime_in(MotoWorld) as begin:
        yield begin


def rows_of(world: World) -> Any:
    """The one row, without what chance has drawn."""
    (row,) = world.rows().values()
    drawn = ("holder", "provider_message_id")
    steps = [
        {name: value for name, value in step["M"].items() if name not in drawn}
        for step in row["steps"]["L"]
    ]
    return row["status"], row["version"], steps


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_ends_in_the_same_row_on_moto_and_in_memory(begin, scenario) -> None:
    on_moto = begin()
    try:
        play(on_moto, scenario)
        found = outcome(on_moto), rows_of(on_moto)
    finally:
        on_moto.end()
    with in_memory() as begin_in_memory:
        ours = play(begin_in_memory(), scenario)
        assert found == (outcome(ours), rows_of(ours))


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
@pytest.mark.parametrize(
    "scenario", SCENARIOS[::SCENARIO_STRIDE], ids=lambda scenario: scenario.name
)
def test_a_crash_at_a_call_of_botocore_breaks_no_invariant(begin, scenario, fault) -> None:
    for number in range(0, calls_of(begin, scenario), CALL_STRIDE):
        world = begin(faults={number: fault})
        try:
            play(world, scenario)
        finally:
            world.end()
        assert [happened for _, happened in world.calls.happened] == [fault]


def calls_of(begin, scenario) -> int:
    world = begin()
    try:
        return play(world, scenario).calls_of_scenario
    finally:
        world.end()
