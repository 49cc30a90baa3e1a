"""The tools of the benchmark: what they count, and that both designs leave the same rows.

In a process of its own: the stand-in answers all clients of a process, and the functions keep what
they have read from the environment.
"""

import json
import subprocess
import sys

import pytest

from bench.dynamodb import ServiceError, Tables, item_bytes
from bench.measure import Figure, percentile
from bench.picture import bars, lines
from bench.table import replace_between, table

_PROGRAM = """
import json
from bench.functions import set_environment
set_environment()
from bench.measure import CONSOLE, redirect_logs
redirect_logs()
from bench.stand_in import StandIn
stand_in = StandIn(0, 0)
stand_in.install()
from bench import api, normalizer, senders
normalizer.SIZES = ((100, 2, 1),)
result = {
    "normalizer": normalizer.run(stand_in)["batches"][100],
    "senders": senders.run(stand_in),
    "api": api.run(stand_in),
}
CONSOLE.write(json.dumps(result, default=str))
"""


@pytest.fixture(scope="module")
def measured() -> dict:
    output = subprocess.run(
        [sys.executable, "-c", _PROGRAM], check=True, capture_output=True, text=True
    ).stdout
    return json.loads(output)


def test_both_designs_leave_the_same_rows_and_batches_cost_fewer_units(measured) -> None:
    # `normalizer` itself raises when a row differs.
    figures = measured["normalizer"]
    assert figures["same_rows"] > 50
    assert figures["write_units_per_1000"] <= figures["naive_write_units_per_1000"]
    assert figures["calls_per_1000"] < figures["naive_calls_per_1000"] / 10


def test_a_step_makes_the_calls_that_its_promises_need_and_no_more(measured) -> None:
    assert measured["senders"]["first_step"]["ours"]["calls_per_message"] == {
        "dynamodb.GetItem": 2.0,  # the row to decide on, the content to send
        "sqs.SendMessage": 1.0,  # arm
        "dynamodb.UpdateItem": 2.0,  # claim, record
        "sesv2.SendEmail": 1.0,
    }
    assert measured["senders"]["timer_after_success"]["calls_per_message"] == {
        "dynamodb.GetItem": 1.0
    }


def test_a_request_makes_two_calls(measured) -> None:
    assert measured["api"]["post"]["calls"] == {
        "dynamodb.TransactWriteItems": 1.0,
        "sqs.SendMessage": 1.0,
    }
    assert measured["api"]["post_with_faults"]["calls"] == {}


def test_a_row_of_two_steps_is_one_write_unit(measured) -> None:
    assert measured["senders"]["rows"]["2"] < 1024


def test_items_have_the_size_that_is_billed() -> None:
    assert item_bytes({"message_id": {"S": "abc"}}) == 13
    assert item_bytes({"n": {"N": "1800000000000"}}) < 10
    assert item_bytes({"l": {"L": [{"S": "ab"}]}}) == 1 + 3 + 1 + 2
    assert item_bytes({"m": {"M": {"k": {"BOOL": True}}}}) == 1 + 3 + 1 + 1 + 1


def test_writes_are_counted_by_the_larger_size_and_refused_ones_too() -> None:
    tables = Tables()
    large = {"message_id": {"S": "a"}, "text": {"S": "x" * 1500}}
    tables.answer("PutItem", {"TableName": "t", "Item": large})
    tables.answer("PutItem", {"TableName": "t", "Item": {"message_id": {"S": "a"}}})
    assert tables.write_units["t"] == 4
    refused = {
        "TableName": "t",
        "Item": large,
        "ConditionExpression": "attribute_not_exists(message_id)",
    }
    with pytest.raises(ServiceError):
        tables.answer("PutItem", refused)
    assert tables.write_units["t"] == 5


def test_a_condition_that_is_not_known_is_no_answer() -> None:
    call = {"TableName": "t", "Item": {"message_id": {"S": "a"}}, "ConditionExpression": "a < b"}
    with pytest.raises(NotImplementedError):
        Tables().answer("PutItem", call)


def test_figures_have_a_median_and_a_range() -> None:
    assert Figure.of([3, 1, 2]) == Figure(2, 1, 3)
    assert str(Figure.of([3, 1, 2])) == "2.00 (1.00 to 3.00)"
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([5], 0.5) == 5


def test_tables_and_pictures_are_drawn() -> None:
    assert table(("a", "b"), [(1, "long")]).splitlines()[1] == "|---|------|"
    assert replace_between("x <!-- a -->old<!-- /a --> y", "a", "new").count("new") == 1
    with pytest.raises(ValueError, match="no place"):
        replace_between("x", "a", "new")
    assert ">3 ms<" in bars("t", [("r", {"p": 1.0, "q": 2.0})], "{} ms")
    points = {"s": [(1.0, 2.0), (10.0, 3.0)]}
    assert "polyline" in lines("t", points, x_label="x", y_label="y", logarithmic=True)
