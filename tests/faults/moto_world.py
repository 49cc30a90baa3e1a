"""A world on moto: crashes befall the functions at botocore's own events.

What is in memory is fast and ours; moto is slow and somebody else's. They have to agree.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import moto
import pytest

from runtime.clients import data_client
from tests.faults.faults import CRASHES, Fault
from tests.faults.scenarios import Scenario
from tests.faults.sweep import count_calls, play_under
from tests.faults.world import Watched, World, runtime_in
from tests.support.runtime_world import world_on_moto

_WRITES = ("UpdateItem", "TransactWriteItems", "DeleteItem", "BatchExecuteStatement")
_TABLES = {
    "messages": "message_id",
    "payloads": "message_id",
    "provider-message-ids": "provider_message_id",
}


class MotoWorld(World):
    """A world whose tables, queues and stream are moto's; `faults` go by botocore's calls."""

    real: dict[str, Any]

    def begin(self) -> None:
        self.provider_client = Watched("provider", self.provider_client._client, self.calls)
        self.known: dict[str, dict[str, Any]] = {}
        self.stored: set[str] = set()
        self.records: list[dict[str, Any]] = []
        self.fault: Fault | None = None
        self.is_looking = False
        for service, client in self.real.items():
            events = client.meta.events
            # First, so that moto is not asked when the process is dead already.
            events.register_first(f"before-send.{service}", self._before, unique_id="before")
            events.register(f"after-call.{service}", self._after, unique_id="after")
        for table, key in _TABLES.items():
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
            if name.partition(".")[2] in _WRITES:
                self._look()
            self.calls.end(name, fault)

    def _look(self) -> None:
        for key, row in self.rows().items():
            if row != self.known.get(key):
                before, self.known[key] = self.known.get(key), row
                self.watch.wrote("messages", before, row)
        contents = self.contents()
        for key in self.stored - contents:
            self.watch.wrote("payloads", {"message_id": {"S": key}}, None)
        self.stored = contents

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


@contextmanager
def on_moto() -> Iterator[Callable[..., MotoWorld]]:
    """Put the runtime on moto: yields a function that makes a new world, the current one."""
    with pytest.MonkeyPatch.context() as patch, world_on_moto(patch):
        services = ("dynamodb", "sqs", "kinesis")
        MotoWorld.real = {service: data_client(service) for service in services}
        with runtime_in(MotoWorld) as begin:
            yield begin


def crash(begin: Callable[..., MotoWorld], scenario: Scenario, stride: int = 1) -> int:
    """Crash a scenario before and after every so manieth call; return the number of worlds."""
    calls = range(0, count_calls(begin, scenario, duplicates=False), stride)
    for number, fault in product(calls, CRASHES):
        world = play_under(begin, scenario, {number: fault})
        assert [happened for _, happened in world.calls.happened] == [fault]
    return len(CRASHES) * len(calls)
