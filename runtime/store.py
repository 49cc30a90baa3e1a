"""The tables. Rows are written here and nowhere else, each with its version as the condition."""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from . import rows
from .batches import in_parallel, slices
from .domain.message import Message
from .domain.plan import Plan, StepContent
from .domain.status import DeliveryEvent
from .telemetry import logger

# DynamoDB's upper bounds of one call.
_BATCH_GET: Final = 100
_BATCH_STATEMENTS: Final = 25
_CONFLICT: Final = "ConditionalCheckFailed"
# A transaction of somebody else was writing the item at that moment.
_CONFLICTS: Final = (_CONFLICT, "TransactionConflict")
# How long an event of an unknown message waits for its message.
PARKED_DAYS: Final = 4
# How long a provider's id is known. WhatsApp tries to deliver a message for up to 30 days, and a
# status may come without our id: https://developers.facebook.com/documentation/
# business-messaging/whatsapp/messages/send-messages#time-to-live-ttl
LINKED_DAYS: Final = 31
_DAY_SECONDS: Final = 86_400
_HOUR_SECONDS: Final = 3_600
# Between the calls for keys that a throttled table has left out.
_PAUSES_SECONDS: Final = (0.05, 0.1, 0.2, 0.4, 0.8)

T = TypeVar("T")
R = TypeVar("R")


class ConflictError(Exception):
    """Somebody else has written the row since it was read."""


class UnavailableError(Exception):
    """The table did not take the request now."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of many writes: the ids to read and apply again, and those that failed."""

    conflicts: frozenset[str]
    failures: frozenset[str]


@dataclass(frozen=True, slots=True)
class Store:
    """The tables that a function may touch; `concurrency` bounds its parallel calls."""

    dynamodb: Any
    messages_table: str
    payloads_table: str
    provider_message_ids_table: str = ""
    concurrency: int = 1

    def create(self, plan: Plan) -> Message | None:
        """Write the row and the content in one transaction.

        Returns the row that is already there, if one is: then nothing was written. Raises
        UnavailableError if another transaction holds the row.
        """
        message = plan.message
        row = rows.encode_key(message) | rows.encode_state(message)
        content = {
            "message_id": {"S": message.message_id},
            "content": {"B": rows.encode_contents(plan.contents)},
            "expires_at": {"N": str(plan.content_expires_at)},
        }
        condition = {
            "ConditionExpression": "attribute_not_exists(message_id)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            self.dynamodb.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": self.messages_table, "Item": row, **condition}},
                    {"Put": {"TableName": self.payloads_table, "Item": content}},
                ]
            )
        except ClientError as error:
            reasons = error.response.get("CancellationReasons")
            if not reasons:
                raise
            if reasons[0].get("Code") != _CONFLICT:
                raise UnavailableError(str([reason.get("Code") for reason in reasons])) from error
            return rows.decode_message(reasons[0]["Item"])
        return None

    def count_recipient(self, digest: str, hour: int, send: str, most: int) -> bool:
        """Count a send to a recipient in an hour; return False, uncounted, beyond `most`.

        The counter has a row of its own beside the messages, under a digest of the recipient, and
        holds the names of sends ("message id:step"), so that a repeat is not counted twice. `hour`
        is in hours since the epoch.
        """
        try:
            self.dynamodb.update_item(
                TableName=self.messages_table,
                Key=_counter_key(digest, hour),
                UpdateExpression="ADD counted :id SET expires_at = :expires_at",
                ConditionExpression="attribute_not_exists(counted) OR size(counted) < :most "
                "OR contains(counted, :one)",
                ExpressionAttributeValues={
                    ":id": {"SS": [send]},
                    ":one": {"S": send},
                    ":most": {"N": str(most)},
                    ":expires_at": {"N": str((hour + 2) * _HOUR_SECONDS)},
                },
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def uncount_recipient(self, digest: str, hour: int, send: str) -> None:
        """Take back a send that was counted and will not be made."""
        # Without the condition an update of a counter that is gone would make it anew, for ever.
        with contextlib.suppress(self.dynamodb.exceptions.ConditionalCheckFailedException):
            self.dynamodb.update_item(
                TableName=self.messages_table,
                Key=_counter_key(digest, hour),
                UpdateExpression="DELETE counted :id",
                ConditionExpression="contains(counted, :one)",
                ExpressionAttributeValues={":id": {"SS": [send]}, ":one": {"S": send}},
            )

    def read(self, message_id: str) -> Message | None:
        """Read a row as it is now."""
        answer = self.dynamodb.get_item(
            TableName=self.messages_table,
            Key={"message_id": {"S": message_id}},
            ConsistentRead=True,
        )
        return rows.decode_message(answer["Item"]) if "Item" in answer else None

    def read_many(self, message_ids: Sequence[str], *, consistent: bool) -> dict[str, Message]:
        """Read rows, 100 a call; missing ones are left out."""
        keys = [{"message_id": {"S": message_id}} for message_id in message_ids]
        items = self._batch_get(self.messages_table, keys, consistent=consistent)
        return {item["message_id"]["S"]: rows.decode_message(item) for item in items}

    def save(self, message: Message, now: int) -> Message:
        """Write a row that was read and changed. Raises ConflictError if it is no longer the same.

        A repeat of a write that got through (a lost answer, retried by botocore) is a conflict
        too: the reader then finds what it wanted to write.
        """
        saved = replace(message, version=message.version + 1, updated_at=now)
        try:
            self.dynamodb.update_item(**self._update(message, saved))
        except ClientError as error:
            code = error.response["Error"]["Code"].removesuffix("Exception")
            if code not in _CONFLICTS:
                raise
            raise ConflictError(message.message_id) from error
        return saved

    def save_and_delete_content(self, message: Message, now: int) -> Message:
        """Write a row like `save`, and delete the content in the same transaction.

        For a cancel: nothing may follow that would find the content and delete it.
        """
        saved = replace(message, version=message.version + 1, updated_at=now)
        content = {
            "TableName": self.payloads_table,
            "Key": {"message_id": {"S": message.message_id}},
        }
        try:
            self.dynamodb.transact_write_items(
                TransactItems=[{"Update": self._update(message, saved)}, {"Delete": content}]
            )
        except ClientError as error:
            reasons = error.response.get("CancellationReasons", [])
            if not any(reason.get("Code") in _CONFLICTS for reason in reasons):
                raise
            raise ConflictError(message.message_id) from error
        return saved

    def _update(self, message: Message, saved: Message) -> dict[str, Any]:
        """Return the update of the row that was read to the one that is to be saved."""
        state = rows.encode_state(saved)
        return {
            "TableName": self.messages_table,
            "Key": {"message_id": {"S": message.message_id}},
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in state),
            "ConditionExpression": "#version = :seen",
            "ExpressionAttributeNames": {f"#{name}": name for name in state},
            "ExpressionAttributeValues": {f":{name}": value for name, value in state.items()}
            | {":seen": {"N": str(message.version)}},
        }

    def save_many(self, messages: Sequence[Message], now: int) -> Saved:
        """Write rows like `save`, 25 a call and the calls in parallel."""
        conflicts: set[str] = set()
        failures: set[str] = set()

        def write(batch: Sequence[Message]) -> None:
            answer = self.dynamodb.batch_execute_statement(
                Statements=[self._update_statement(message, now) for message in batch]
            )
            # HTTP 200 is no success: each statement has its own.
            for message, response in zip(batch, answer["Responses"], strict=True):
                code = response.get("Error", {}).get("Code")
                if code in _CONFLICTS:
                    conflicts.add(message.message_id)
                elif code:
                    logger.warning("row not written", message_id=message.message_id, code=code)
                    failures.add(message.message_id)

        self.in_parallel(write, list(slices(messages, _BATCH_STATEMENTS)))
        return Saved(frozenset(conflicts), frozenset(failures))

    def _update_statement(self, message: Message, now: int) -> dict[str, Any]:
        saved = replace(message, version=message.version + 1, updated_at=now)
        state = rows.encode_state(saved)
        assignments = " ".join(f'SET "{name}" = ?' for name in state)
        return {
            "Statement": f'UPDATE "{self.messages_table}" {assignments} '
            'WHERE "message_id" = ? AND "version" = ?',
            "Parameters": [
                *state.values(),
                {"S": message.message_id},
                {"N": str(message.version)},
            ],
        }

    def read_contents(self, message_id: str) -> tuple[StepContent, ...] | None:
        """Read what the steps of a message send; None once it is deleted."""
        answer = self.dynamodb.get_item(
            TableName=self.payloads_table,
            Key={"message_id": {"S": message_id}},
            ConsistentRead=True,
        )
        return rows.decode_contents(answer["Item"]["content"]["B"]) if "Item" in answer else None

    def delete_content(self, message_id: str) -> None:
        """Delete the content of a message that no step can need any more."""
        self.dynamodb.delete_item(
            TableName=self.payloads_table, Key={"message_id": {"S": message_id}}
        )

    def delete_contents(self, message_ids: Sequence[str]) -> set[str]:
        """Delete contents, 25 a call; return the ids of those that failed.

        Statements, because IAM can allow deletes alone that way: BatchWriteItem also puts.
        """
        failures: set[str] = set()

        def delete(batch: Sequence[str]) -> None:
            statement = f'DELETE FROM "{self.payloads_table}" WHERE "message_id" = ?'  # noqa: S608
            answer = self.dynamodb.batch_execute_statement(
                Statements=[
                    {"Statement": statement, "Parameters": [{"S": message_id}]}
                    for message_id in batch
                ]
            )
            for message_id, response in zip(batch, answer["Responses"], strict=True):
                # A delete of what is gone answers ConditionalCheckFailed or nothing.
                if response.get("Error", {}).get("Code") not in (None, _CONFLICT):
                    failures.add(message_id)

        self.in_parallel(delete, list(slices(message_ids, _BATCH_STATEMENTS)))
        return failures

    def link(
        self, provider_message_id: str, message_id: str, step: int, now: int
    ) -> list[DeliveryEvent]:
        """Note which step a provider's id belongs to; return the events that waited for it.

        The waiting events stay in the record, so that a repeat after a crash finds them again.
        """
        answer = self.dynamodb.update_item(
            TableName=self.provider_message_ids_table,
            Key={"provider_message_id": {"S": provider_message_id}},
            UpdateExpression="SET message_id = :message_id, step = :step, expires_at = :expires_at",
            ExpressionAttributeValues={
                ":message_id": {"S": message_id},
                ":step": {"N": str(step)},
                ":expires_at": _in_days(now, LINKED_DAYS),
            },
            ReturnValues="ALL_OLD",
        )
        return _parked(answer.get("Attributes", {}))

    def park(
        self, provider_message_id: str, event: DeliveryEvent, now: int
    ) -> tuple[str, int] | None:
        """Keep an event until its message is known.

        Returns the message id and step if it has become known meanwhile: then nothing was kept.
        """
        try:
            self.dynamodb.update_item(
                TableName=self.provider_message_ids_table,
                Key={"provider_message_id": {"S": provider_message_id}},
                UpdateExpression="SET parked = list_append(if_not_exists(parked, :none), :event), "
                "expires_at = :expires_at",
                ConditionExpression="attribute_not_exists(message_id)",
                ExpressionAttributeValues={
                    ":none": {"L": []},
                    ":event": {"L": [{"S": rows.encode_event(event)}]},
                    ":expires_at": _in_days(now, PARKED_DAYS),
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException as error:
            return _linked(error.response["Item"])
        return None

    def find_links(
        self, provider_message_ids: Sequence[str]
    ) -> tuple[dict[str, tuple[str, int]], dict[str, list[DeliveryEvent]]]:
        """Return the message id and step of each provider's id that is known.

        Second, the events that have waited for these ids.
        """
        keys = [{"provider_message_id": {"S": id_}} for id_ in provider_message_ids]
        items = self._batch_get(self.provider_message_ids_table, keys, consistent=True)
        known = {item["provider_message_id"]["S"]: item for item in items if "message_id" in item}
        return (
            {id_: _linked(item) for id_, item in known.items()},
            {id_: _parked(item) for id_, item in known.items()},
        )

    def _batch_get(
        self, table: str, keys: Sequence[dict[str, Any]], *, consistent: bool
    ) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []

        def get(batch: Sequence[dict[str, Any]]) -> None:
            request = {table: {"Keys": list(batch), "ConsistentRead": consistent}}
            for pause in (*_PAUSES_SECONDS, None):
                answer = self.dynamodb.batch_get_item(RequestItems=request)
                items.extend(answer["Responses"].get(table, []))
                request = answer.get("UnprocessedKeys") or {}
                if not request:
                    return
                if pause is None:
                    raise UnavailableError(table)
                time.sleep(pause)  # the table is throttled

        self.in_parallel(get, list(slices(keys, _BATCH_GET)))
        return items

    def in_parallel(self, call: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Call for each item, as many at a time as this function may; return the results."""
        return in_parallel("store", call, items, concurrency=self.concurrency)


def _counter_key(digest: str, hour: int) -> dict[str, Any]:
    return {"message_id": {"S": f"recipient-{digest}-{hour}"}}


def _in_days(now: int, days: int) -> dict[str, str]:
    return {"N": str(now // 1000 + days * _DAY_SECONDS)}


def _parked(item: dict[str, Any]) -> list[DeliveryEvent]:
    return [rows.decode_event(text["S"]) for text in item.get("parked", {"L": []})["L"]]


def _linked(item: dict[str, Any]) -> tuple[str, int]:
    return item["message_id"]["S"], int(item["step"]["N"])


def link_all(
    store: Store, provider_message_ids: Iterable[str], message_id: str, step: int, now: int
) -> list[DeliveryEvent]:
    """Link ids and every further id that the waiting events name; return those events as ours.

    WhatsApp's join: `accepted` names AWS's id and Meta's, `delivered` may name Meta's alone, and
    either may come before the answer to the send. Each order ends here with all of them.
    """
    pending, linked = set(provider_message_ids), set()
    events: list[DeliveryEvent] = []
    while pending:
        provider_message_id = pending.pop()
        linked.add(provider_message_id)
        for event in store.link(provider_message_id, message_id, step, now):
            events.append(replace(event, message_id=message_id, step=step))
            ids = {event.provider_message_id, event.related_message_id} - {None}
            pending |= {id_ for id_ in ids if id_} - linked
    return events
