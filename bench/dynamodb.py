"""DynamoDB's tables in this process, with its own account of read and write units.

Only what the functions use; what is unknown is an error, so that no call is answered wrongly.
"""

import base64
import json
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Item = dict[str, Any]
Body = dict[str, Any]

_KEYS = ("message_id", "provider_message_id")


class ServiceError(Exception):
    """An error answer; `more` are further members of its body."""

    def __init__(self, code: str, **more: object) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


def item_bytes(item: Item) -> int:
    """Return the size that DynamoDB bills: names and values, with a little for nesting.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Item) -> int:
    ((kind, inner),) = value.items()
    if kind == "S":
        return len(inner.encode())
    if kind == "N":
        return math.ceil(len(inner.strip("-0.")) / 2) + 1
    if kind == "B":
        return len(base64.b64decode(inner))
    if kind == "L":
        return 3 + sum(1 + _value_bytes(element) for element in inner)
    if kind == "M":
        return 3 + sum(1 + len(name) + _value_bytes(element) for name, element in inner.items())
    if kind in ("BOOL", "NULL"):
        return 1
    raise NotImplementedError(kind)


class Tables:
    """Tables by name, each a mapping from the key's value to the item."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Item]] = {}
        self.write_units: Counter[str] = Counter()
        self.read_units: Counter[str] = Counter()
        self.largest: Counter[str] = Counter()
        self._operations: dict[str, Callable[[Body], Body]] = {
            "GetItem": self._get_item,
            "PutItem": self._put_item,
            "UpdateItem": self._update_item,
            "DeleteItem": self._delete_item,
            "BatchGetItem": self._batch_get_item,
            "BatchExecuteStatement": self._batch_execute_statement,
            "TransactWriteItems": self._transact_write_items,
        }

    def answer(self, operation: str, body: Body) -> Body:
        """Carry out one call. Raises ServiceError for an error answer."""
        return self._operations[operation](body)

    def _table(self, name: str) -> dict[str, Item]:
        return self.items.setdefault(name, {})

    def _write(self, table: str, key: str, item: Item | None, *, factor: int = 1) -> None:
        """Store or remove an item, and count the larger of before and after."""
        items = self._table(table)
        before = item_bytes(items[key]) if key in items else 0
        after = item_bytes(item) if item is not None else 0
        self.largest[table] = max(self.largest[table], after)
        self.write_units[table] += factor * max(1, math.ceil(max(before, after) / 1024))
        if item is None:
            items.pop(key, None)
        else:
            items[key] = item

    def _refuse(self, table: str, key: str) -> None:
        """Count a write whose condition failed: it is billed like one that succeeded."""
        item = self._table(table).get(key)
        self.write_units[table] += math.ceil(item_bytes(item) / 1024) if item else 1

    def _read(self, table: str, key: Item, *, consistent: bool) -> Item | None:
        item = self._table(table).get(_key_value(key))
        units = max(1, math.ceil(item_bytes(item) / 4096)) if item else 1
        # Half units, so that the count stays whole.
        self.read_units[table] += units * (2 if consistent else 1)
        return item

    def _get_item(self, body: Body) -> Body:
        item = self._read(
            body["TableName"], body["Key"], consistent=body.get("ConsistentRead", False)
        )
        return {"Item": item} if item is not None else {}

    def _batch_get_item(self, body: Body) -> Body:
        responses: dict[str, list[Item]] = {}
        if sum(len(request["Keys"]) for request in body["RequestItems"].values()) > 100:  # noqa: PLR2004  DynamoDB's limit
            raise ServiceError("ValidationException")
        for table, request in body["RequestItems"].items():
            found = [
                self._read(table, key, consistent=request.get("ConsistentRead", False))
                for key in request["Keys"]
            ]
            responses[table] = [item for item in found if item is not None]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _put_item(self, body: Body) -> Body:
        table, item = body["TableName"], body["Item"]
        key = _key_value(item)
        self._check(table, key, body)
        self._write(table, key, item)
        return {}

    def _delete_item(self, body: Body) -> Body:
        self._write(body["TableName"], _key_value(body["Key"]), None)
        return {}

    def _update_item(self, body: Body) -> Body:
        table, key = body["TableName"], _key_value(body["Key"])
        self._check(table, key, body)
        before = self._table(table).get(key)
        after: Item = {**body["Key"], **(before or {})}
        names = body.get("ExpressionAttributeNames", {})
        values = body["ExpressionAttributeValues"]
        for name, value in _assignments(body["UpdateExpression"]):
            name = names.get(name, name)  # noqa: PLW2901  the placeholder's own name
            after[name] = _evaluate(value, after, values)
        self._write(table, key, after)
        wants_old = body.get("ReturnValues") == "ALL_OLD"
        return {"Attributes": before} if wants_old and before else {}

    def _check(self, table: str, key: str, body: Body) -> None:
        """Check the condition of a write, if there is one."""
        condition = body.get("ConditionExpression")
        if condition is None:
            return
        item = self._table(table).get(key)
        if match := _ABSENT.fullmatch(condition):
            holds = item is None or match["name"] not in item
        elif match := _EQUAL.fullmatch(condition):
            name = body.get("ExpressionAttributeNames", {}).get(match["name"], match["name"])
            value = body["ExpressionAttributeValues"][match["value"]]
            holds = item is not None and item.get(name) == value
        else:
            raise NotImplementedError(condition)
        if not holds:
            self._refuse(table, key)
            more = {"Item": item} if "ReturnValuesOnConditionCheckFailure" in body else {}
            raise ServiceError("ConditionalCheckFailedException", **more)

    def _transact_write_items(self, body: Body) -> Body:
        puts = [transaction["Put"] for transaction in body["TransactItems"]]
        for put in puts:
            self._check(put["TableName"], _key_value(put["Item"]), put)
        for put in puts:
            # A transaction writes each item twice.
            self._write(put["TableName"], _key_value(put["Item"]), put["Item"], factor=2)
        return {}

    def _batch_execute_statement(self, body: Body) -> Body:
        statements = body["Statements"]
        if len(statements) > 25:  # noqa: PLR2004  DynamoDB's limit
            raise ServiceError("ValidationException")
        return {"Responses": [self._execute(statement) for statement in statements]}

    def _execute(self, statement: Body) -> Body:
        text, values = statement["Statement"], statement["Parameters"]
        if delete := _DELETE.fullmatch(text):
            self._write(delete["table"], values[0]["S"], None)
            return {"TableName": delete["table"]}
        update = _UPDATE.fullmatch(text)
        if update is None:
            raise NotImplementedError(text)
        table, key, seen = update["table"], values[-2]["S"], values[-1]
        item = self._table(table).get(key)
        if item is None or item.get(update["guard"]) != seen:
            self._refuse(table, key)
            error: Body = {"Code": "ConditionalCheckFailed", "Message": "conditional"}
            if statement.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and item:
                error["Item"] = item
            return {"TableName": table, "Error": error}
        names = _SET.findall(update["sets"])
        self._write(table, key, {**item, **dict(zip(names, values[:-2], strict=True))})
        return {"TableName": table}


_ABSENT = re.compile(r"attribute_not_exists\((?P<name>\w+)\)")
_EQUAL = re.compile(r"(?P<name>#?\w+) = (?P<value>:\w+)")
_SET = re.compile(r'SET "(\w+)"')
_UPDATE = re.compile(
    r'UPDATE "(?P<table>[^"]+)" (?P<sets>(SET "\w+" = \? )+)'
    r'WHERE "\w+" = \? AND "(?P<guard>\w+)" = \?'
)
_DELETE = re.compile(r'DELETE FROM "(?P<table>[^"]+)" WHERE "\w+" = \?')
_APPEND = re.compile(
    r"list_append\(if_not_exists\((?P<name>\w+), (?P<none>:\w+)\), (?P<more>:\w+)\)"
)


def _key_value(item: Item) -> str:
    return str(next(item[key]["S"] for key in _KEYS if key in item))


def _assignments(expression: str) -> list[tuple[str, str]]:
    assignments = []
    for part in re.split(r", (?=#?\w+ = )", expression.removeprefix("SET ")):
        name, _, value = part.partition(" = ")
        assignments.append((name, value))
    return assignments


def _evaluate(value: str, item: Item, values: Item) -> Item:
    if value in values:
        return dict(values[value])
    append = _APPEND.fullmatch(value)
    if append is None:
        raise NotImplementedError(value)
    old: Item = item.get(append["name"]) or values[append["none"]]
    return {"L": [*old["L"], *values[append["more"]]["L"]]}


def encode(body: Body) -> bytes:
    """Return the answer as it goes over the wire."""
    return json.dumps(body, separators=(",", ":")).encode()
