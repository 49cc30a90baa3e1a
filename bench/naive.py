"""The design that this one is compared with: one event per invocation, one call after another.

It keeps the same records in the same form, with the same parser and the same rules for statuses,
so that what differs is the architecture. It sends first and writes afterwards, each function
handles one record, SNS invokes it for every event, and nothing guards it against doubled queue
messages or crashes.
"""

import json
import time
import uuid
from dataclasses import replace
from typing import Any

from bench.workload import plan, row
from runtime import rows
from runtime.channels import CHANNELS, parse_event
from runtime.channels.channel import SendContext
from runtime.clients import data_client, send_client
from runtime.domain.message import Message, apply
from runtime.domain.status import DeliveryEvent, Status
from runtime.telemetry import instrumented, logger, meter
from runtime.timers import timers_after_failures


@instrumented
def api_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Take a message: write its row and its content, put it on the queue."""
    planned = plan(json.loads(event["body"]), str(uuid.uuid4()))
    message_id = planned.message.message_id
    dynamodb = data_client("dynamodb")
    dynamodb.put_item(TableName="messages", Item=row(planned.message))
    dynamodb.put_item(
        TableName="payloads",
        Item={
            "message_id": {"S": message_id},
            "content": {"B": rows.encode_contents(planned.contents)},
            "expires_at": {"N": str(planned.message.expires_at)},
        },
    )
    _queue("intake", {"message_id": message_id})
    meter.count("MessagesAccepted")
    logger.info("message accepted", message_id=message_id)
    return {"statusCode": 202, "body": json.dumps({"message_id": message_id})}


@instrumented
def primary_handler(event: dict[str, Any], _context: object) -> None:
    """Send the first step of one message, then write it down, then start the timer."""
    (record,) = event["Records"]
    message = _read(json.loads(record["body"])["message_id"])
    if message is None:
        return
    _send(message, 0)
    due_at = _now() + 1000 * message.steps[0].fallback_seconds
    timer = {"message_id": message.message_id, "step": 1, "due_at": due_at}
    _queue("timers", timer, DelaySeconds=message.steps[0].fallback_seconds)


@instrumented
def fallback_handler(event: dict[str, Any], _context: object) -> None:
    """Send the next step of one message, if the one before has not succeeded."""
    (record,) = event["Records"]
    timer = json.loads(record["body"])
    message = _read(timer["message_id"])
    if message is not None and not message.succeeded:
        meter.count("Fallbacks", reason="timeout")
        _send(message, timer["step"])
        _delete_content(message.message_id)


@instrumented
def event_handler(event: dict[str, Any], _context: object) -> None:
    """Apply one provider event to its row."""
    (record,) = event["Records"]
    for found in parse_event(record["Sns"]["Message"]):
        if found.message_id is None:
            continue
        before = _read(found.message_id)
        if before is None:
            continue
        after = apply(before, [found])
        if after == before:
            continue
        _update(after)
        meter.count("EventsApplied", channel=found.channel)
        for timer in timers_after_failures(after, _now()):
            _queue("timers", {"message_id": timer.message_id, "step": timer.step, "due_at": 0})
        if after.over(_now()) and not before.over(_now()):
            _delete_content(after.message_id)


def _send(message: Message, index: int) -> None:
    answer = data_client("dynamodb").get_item(
        TableName="payloads", Key={"message_id": {"S": message.message_id}}, ConsistentRead=True
    )
    if "Item" not in answer:
        return
    content = rows.decode_contents(answer["Item"]["content"]["B"])[index]
    channel = CHANNELS[content.channel]
    context = SendContext(message.message_id, index, None, "ses-set", "sms-set", "", "v24.0")
    request = channel.build_request(content, context)
    sent = getattr(send_client(channel.service), request.operation)(**request.parameters)
    meter.count("MessagesSent", channel=channel.name)
    logger.info("step sent", message_id=message.message_id, step=index, channel=channel.name)
    accepted = DeliveryEvent(
        channel=channel.name,
        status=Status.ACCEPTED,
        event_type="send",
        provider_message_id=sent[channel.answer_key],
        message_id=message.message_id,
        step=index,
        occurred_at=_now(),
    )
    step = replace(message.steps[index], attempt=1, lease_until=_now() + 60_000)
    _update(apply(message.with_step(index, step), [accepted]))


def _read(message_id: str) -> Message | None:
    answer = data_client("dynamodb").get_item(
        TableName="messages", Key={"message_id": {"S": message_id}}, ConsistentRead=True
    )
    return rows.decode_message(answer["Item"]) if "Item" in answer else None


def _update(message: Message) -> None:
    saved = replace(message, version=message.version + 1, updated_at=_now())
    state = rows.encode_state(saved)
    data_client("dynamodb").update_item(
        TableName="messages",
        Key={"message_id": {"S": message.message_id}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in state),
        ExpressionAttributeNames={f"#{name}": name for name in state},
        ExpressionAttributeValues={f":{name}": value for name, value in state.items()},
    )


def _delete_content(message_id: str) -> None:
    data_client("dynamodb").delete_item(TableName="payloads", Key={"message_id": {"S": message_id}})


def _queue(name: str, body: dict[str, Any], **options: int) -> None:
    data_client("sqs").send_message(
        QueueUrl=f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}",
        MessageBody=json.dumps(body),
        **options,
    )


def _now() -> int:
    return time.time_ns() // 1_000_000


def sns_event(message: str) -> dict[str, Any]:
    """Return what Lambda hands over from a topic: always one record."""
    return {"Records": [{"Sns": {"Message": message}}]}
