"""DynamoDB, SQS and Kinesis in memory: exactly the calls that the runtime makes, and no others.

`test_stand_in.py` compares them with moto. A call that they do not know stops with its name, so
that a new call of the runtime cannot go untested.
"""

import re
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]
KEYS = {
    "messages": "message_id",
    "payloads": "message_id",
    "provider-message-ids": "provider_message_id",
}


class ConditionalCheckFailedException(ClientError):  # noqa: N818  DynamoDB's own name
    """What DynamoDB answers to a failed condition."""


def client_error(code: str, operation: str, status: int = 400, **more: Any) -> ClientError:
    metadata = {"HTTPStatusCode": status}
    answer = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": metadata, **more}
    return ClientError(answer, operation)


def _failed(item: Item | None, operation: str) -> ConditionalCheckFailedException:
    answer: dict[str, Any] = {
        "Error": {"Code": "ConditionalCheckFailedException", "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    if item is not None:
        answer["Item"] = item
    return ConditionalCheckFailedException(answer, operation)


class DynamoDb:
    """Tables in dictionaries. Items are never changed in place, so they can be handed out."""

    exceptions = SimpleNamespace(ConditionalCheckFailedException=ConditionalCheckFailedException)

    def __init__(self, on_write: Callable[[str, Item | None, Item | None], None]) -> None:
        self.tables: dict[str, dict[str, Item]] = {table: {} for table in KEYS}
        # Each item before its last write.
        self._before: dict[str, dict[str, Item]] = {table: {} for table in KEYS}
        self._on_write = on_write

    def get_item(self, TableName: str, Key: Item, ConsistentRead: bool) -> Item:  # noqa: FBT001, N803
        assert ConsistentRead
        item = self.tables[TableName].get(_key(TableName, Key))
        return {} if item is None else {"Item": item}

    def batch_get_item(self, RequestItems: Item, *, stale: bool = False) -> Item:  # noqa: N803
        ((table, request),) = RequestItems.items()
        assert 0 < len(request["Keys"]) <= 100
        # A row that is read out of date is written in vain; of a link nothing would be noticed.
        assert request["ConsistentRead"] or table == "messages"
        is_stale = stale and not request["ConsistentRead"]
        items = self._before[table] if is_stale else self.tables[table]
        found = [items.get(_key(table, key)) for key in request["Keys"]]
        return {"Responses": {table: [item for item in found if item is not None]}}

    def update_item(self, TableName: str, Key: Item, **call: Any) -> Item:  # noqa: N803
        on_failure = call.pop("ReturnValuesOnConditionCheckFailure", None)
        returned = call.pop("ReturnValues", None)
        before = self.tables[TableName].get(_key(TableName, Key))
        after = _after_update(before, Key, **call)
        if after is None:
            raise _failed(before if on_failure == "ALL_OLD" else None, "UpdateItem")
        self._put(TableName, after)
        return {"Attributes": before} if returned == "ALL_OLD" and before is not None else {}

    def transact_write_items(self, TransactItems: list[Item]) -> Item:  # noqa: N803
        reasons: list[Item] = []
        writes: list[tuple[str, Item]] = []
        for item in TransactItems:
            ((verb, write),) = item.items()
            table = write["TableName"]
            key = write["Item" if verb == "Put" else "Key"]
            before = self.tables[table].get(_key(table, key))
            if verb == "Put":
                condition = write.get("ConditionExpression")
                after = key if condition is None or _holds(condition, before, {}) else None
            elif verb == "Update":
                after = _after_update(
                    before, **{k: v for k, v in write.items() if k != "TableName"}
                )
            else:
                assert (verb, set(write)) == ("Delete", {"TableName", "Key"})
                after = {}
            reason: Item = {"Code": "ConditionalCheckFailed" if after is None else "None"}
            if (
                after is None
                and before is not None
                and "ReturnValuesOnConditionCheckFailure" in write
            ):
                reason["Item"] = before
            reasons.append(reason)
            writes.append((table, after or key))
        if any(reason["Code"] != "None" for reason in reasons):
            raise client_error(
                "TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons
            )
        for item, (table, written) in zip(TransactItems, writes, strict=True):
            if "Delete" in item:
                self.delete_item(table, written)
            else:
                self._put(table, written)
        return {}

    def delete_item(self, TableName: str, Key: Item) -> Item:  # noqa: N803
        before = self.tables[TableName].pop(_key(TableName, Key), None)
        if before is not None:
            self._on_write(TableName, before, None)
        return {}

    def batch_execute_statement(self, Statements: list[Item]) -> Item:  # noqa: N803
        assert 0 < len(Statements) <= 25
        return {"Responses": [self._execute(statement) for statement in Statements]}

    def _execute(self, statement: Item) -> Item:
        text, values = statement["Statement"], list(statement["Parameters"])
        if delete := _DELETE.fullmatch(text):
            self.delete_item(delete["table"], {delete["key"]: values[0]})
            return {}
        update = _UPDATE.fullmatch(text)
        assert update, text
        before = self.tables[update["table"]].get(values[-2]["S"])
        if before is None or before[update["guard"]] != values[-1]:
            return {"Error": {"Code": "ConditionalCheckFailed"}}
        names = re.findall(r'SET "(\w+)"', update["sets"])
        self._put(update["table"], before | dict(zip(names, values[:-2], strict=True)))
        return {}

    def _put(self, table: str, item: Item) -> None:
        key = _key(table, item)
        before = self.tables[table].get(key)
        if before is not None:
            self._before[table][key] = before
        self.tables[table][key] = item
        self._on_write(table, before, item)


_UPDATE = re.compile(
    r'UPDATE "(?P<table>[^"]+)" (?P<sets>(SET "\w+" = \? )+)'
    r'WHERE "(?P<key>\w+)" = \? AND "(?P<guard>\w+)" = \?'
)
_DELETE = re.compile(r'DELETE FROM "(?P<table>[^"]+)" WHERE "(?P<key>\w+)" = \?')


def _key(table: str, item: Item) -> str:
    return str(item[KEYS[table]]["S"])


def _with_names(expression: str, names: dict[str, str]) -> str:
    return re.sub(r"#\w+", lambda name: names[name[0]], expression)


def _holds(condition: str, item: Item | None, values: Item) -> bool:
    return any(_term_holds(term.strip(), item or {}, values) for term in condition.split(" OR "))


def _term_holds(term: str, item: Item, values: Item) -> bool:
    if found := re.fullmatch(r"attribute_not_exists\((\w+)\)", term):
        return found[1] not in item
    if found := re.fullmatch(r"(\w+) = (:\w+)", term):
        return item.get(found[1]) == values[found[2]]
    if found := re.fullmatch(r"size\((\w+)\) < (:\w+)", term):
        (members,) = item.get(found[1], {"SS": []}).values()
        return found[1] in item and len(members) < int(values[found[2]]["N"])
    if found := re.fullmatch(r"contains\((\w+), (:\w+)\)", term):
        return values[found[2]]["S"] in item.get(found[1], {"SS": []})["SS"]
    raise NotImplementedError(term)


def _after_update(
    before: Item | None,
    Key: Item,  # noqa: N803
    UpdateExpression: str,  # noqa: N803
    ConditionExpression: str | None = None,  # noqa: N803
    ExpressionAttributeNames: dict[str, str] | None = None,  # noqa: N803
    ExpressionAttributeValues: Item | None = None,  # noqa: N803
) -> Item | None:
    """Return the item after an update; None if its condition does not hold."""
    names, values = ExpressionAttributeNames or {}, ExpressionAttributeValues or {}
    if ConditionExpression is not None:
        condition = _with_names(ConditionExpression, names)
        if not _holds(condition, before, values):
            return None
    return _updated(before or dict(Key), _with_names(UpdateExpression, names), values)


def _updated(item: Item, expression: str, values: Item) -> Item:
    clauses = re.split(r"\b(SET|ADD|DELETE) ", expression)[1:]
    for verb, clause in zip(clauses[::2], clauses[1::2], strict=True):
        for part in re.split(r", (?![^(]*\))", clause.strip()):
            item = item | _assigned(item, verb, part.strip(), values)
    return item


def _assigned(item: Item, verb: str, part: str, values: Item) -> Item:
    if verb == "ADD":
        name, value = part.split()
        old = item.get(name, {"SS": []})["SS"]
        return {name: {"SS": sorted({*old, *values[value]["SS"]})}}
    if verb == "DELETE":
        name, value = part.split()
        return {name: {"SS": sorted({*item[name]["SS"]} - {*values[value]["SS"]})}}
    name, value = (text.strip() for text in part.split("=", 1))
    if value in values:
        return {name: values[value]}
    found = re.fullmatch(r"list_append\(if_not_exists\((\w+), (:\w+)\), (:\w+)\)", value)
    if found and found[1] == name:
        return {name: {"L": item.get(name, values[found[2]])["L"] + values[found[3]]["L"]}}
    raise NotImplementedError(part)


class Sqs:
    """Sends to queues; receiving is the world's business, as it is Lambda's on AWS."""

    def __init__(self, put: Callable[[str, str, int], None]) -> None:
        self._put = put

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Item:  # noqa: N803
        assert 0 <= DelaySeconds <= 900, DelaySeconds
        self._put(_queue(QueueUrl), MessageBody, DelaySeconds)
        return {}

    def send_message_batch(self, QueueUrl: str, Entries: list[Item]) -> Item:  # noqa: N803
        assert 0 < len(Entries) <= 10
        for entry in Entries:
            self.send_message(QueueUrl, entry["MessageBody"], entry.get("DelaySeconds", 0))
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries], "Failed": []}


def _queue(url: str) -> str:
    return url.rsplit("/", 1)[-1]


class Kinesis:
    """A stream of one shard."""

    def __init__(self) -> None:
        self.records: list[Item] = []
        self._numbers = count(1)

    def put_records(self, StreamName: str, Records: list[Item]) -> Item:  # noqa: N803
        assert StreamName == "events"
        assert 0 < len(Records) <= 500
        results = []
        for record in Records:
            assert 0 < len(record["PartitionKey"]) <= 256
            assert isinstance(record["Data"], bytes)
            number = str(next(self._numbers))
            self.records.append({**record, "SequenceNumber": number})
            results.append({"SequenceNumber": number, "ShardId": "shardId-000000000000"})
        return {"FailedRecordCount": 0, "Records": results}
