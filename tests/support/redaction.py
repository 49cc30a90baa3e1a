"""Whether somebody is named who may not be: in logs, on queues, on the stream, in status rows."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from local.deployment import Deployment

# Names of kinds, sets and templates may be anywhere; so may what is too short to tell somebody by.
_NAME = re.compile(r"[A-Za-z_]*|.{0,5}", re.DOTALL)
_TABLES = ("messages_table", "provider_message_ids_table")


def private_words(outbox: Iterable[dict[str, Any]]) -> set[str]:
    """Return the addresses, numbers and texts of what the simulated providers have taken."""
    words: set[str] = set()
    for sent in outbox:
        texts = {sent["sender"], *sent["recipient"].split(", "), *_texts(sent["content"])}
        # WhatsApp echoes our id, so it is a part of the content there.
        words |= {text for text in texts if sent["tags"].get("message_id", " ") not in text}
    words |= {word.removeprefix("+") for word in words if word.startswith("+")}
    # As they are, and as JSON writes them.
    words |= {json.dumps(word)[1:-1] for word in words}
    return {word for word in words if not _NAME.fullmatch(word)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def places_that_name(
    words: set[str], deployment: Deployment, log_file: Path, calls_file: Path
) -> Iterator[str]:
    """Yield the beginning of each place that has one of the words.

    `log_file` has what the functions print; in `calls_file` they note what they put on queues.
    """
    for place, text in _public_texts(deployment, log_file, calls_file):
        if found := [word for word in words if word in text]:
            yield f"{place}: {found} in {text[:300]}"


def _public_texts(
    deployment: Deployment, log_file: Path, calls_file: Path
) -> Iterator[tuple[str, str]]:
    for line in log_file.read_text(errors="replace").splitlines():
        yield "log", line
    for line in calls_file.read_text(encoding="utf-8").splitlines():
        if (call := json.loads(line))["service"] == "sqs":
            yield "queue", json.dumps(call["parameters"])
    for data in stream_records(deployment):
        yield "stream", data.decode(errors="replace")
    dynamodb = deployment.cloud.client("dynamodb")
    for table in _TABLES:
        for page in dynamodb.get_paginator("scan").paginate(TableName=deployment.outputs[table]):
            for item in page["Items"]:
                yield table, json.dumps(item, default=str)


def stream_records(deployment: Deployment) -> Iterator[bytes]:
    """Yield all records of the stack's stream."""
    kinesis = deployment.cloud.client("kinesis")
    stream = deployment.outputs["events_stream"]
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator, Limit=1_000)
            yield from (record["Data"] for record in answer["Records"])
            iterator = answer["NextShardIterator"] if answer["Records"] else None
