"""Content, addresses and numbers are where they have to be, and nowhere else."""

import base64
import json

import pytest

from runtime import sending
from tests.support.events import ADDRESS, NUMBER, ses, sms, whatsapp
from tests.support.requests import EMAIL, SMS, WHATSAPP, request

PRIVATE = (
    ADDRESS,
    NUMBER.removeprefix("+"),
    "14255550157",
    "123456",
    "Your code",
    "shop@example.com",
    "reset?token",
    "wamid.",
)
# As Meta makes them: with the recipient's number.
WAMID = "wamid." + base64.b64encode(f"\x1d\x0b{NUMBER}\x15\x02".encode()).decode()


def named(text: str) -> list[str]:
    # The account of the fakes has our code in its number.
    return [word for word in PRIVATE if word in text.replace("123456789012", "")]


@pytest.fixture
def logged(caplog, capsys):
    """Return all that was logged and printed so far, fields of log lines included."""

    def read() -> str:
        lines = [str(vars(record)) for record in caplog.records]
        return "\n".join(lines) + caplog.text + capsys.readouterr().out

    return read


def test_a_failing_record_is_logged_without_the_text_of_its_error(
    world, logged, monkeypatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"{ADDRESS} said 123456")

    message_id = world.accept(request())
    monkeypatch.setattr(sending, "send", fail)
    assert world.start(message_id)["batchItemFailures"]
    text = logged()
    assert "RuntimeError" in text
    assert not named(text)


def test_a_whole_life_names_nobody_in_logs_queues_stream_and_rows(world, logged) -> None:
    bodies = [
        request(),
        request(SMS, EMAIL, fallback_seconds=0),
        request(WHATSAPP, SMS, EMAIL, use_case="broadcast"),
    ]
    ids = [world.accept(body) for body in bodies]
    queued = [json.dumps(world.queued("intake"))]
    world.start(*ids)
    timers = world.queued("timers")
    queued.append(json.dumps(timers))
    world.fire(*(timer["body"] for timer in timers))
    events = [
        ses("Bounce", ids[0], 0),
        ses("Click", ids[2], 2),
        sms("TEXT_INVALID", ids[1], 0, final=True),
        whatsapp("failed", wamid=WAMID, aws_id="00000001", code=131026),
        whatsapp("delivered", wamid=f"{WAMID}B"),
    ]
    world.relay(*map(json.dumps, events), f"not JSON, and {ADDRESS}")
    shard = world.kinesis.list_shards(StreamName="events")["Shards"][0]["ShardId"]
    iterator = world.kinesis.get_shard_iterator(
        StreamName="events", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = world.kinesis.get_records(ShardIterator=iterator)["Records"]
    stream = [record["Data"].decode() for record in records]
    assert len(stream) == 6
    world.normalize(*stream)
    queued += [json.dumps(world.queued(queue)) for queue in ("intake", "timers", "quarantine")]
    rows = [
        str(world.dynamodb.scan(TableName=table)["Items"])
        for table in ("messages", "provider-message-ids")
    ]
    documents = [json.dumps(world.document(message_id)) for message_id in ids]
    for text in (*queued, *stream, *rows, *documents, logged()):
        assert not named(text), text
