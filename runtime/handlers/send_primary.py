"""Sends the first step of new messages (SQS intake)."""

import json
from typing import Any

from runtime.batches import process_records
from runtime.telemetry import instrumented

from ._sender import sender


@instrumented
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Start the messages of a batch; failed records go back to the queue one by one."""
    ours = sender()
    return process_records(
        event,
        lambda record: ours.start(json.loads(record["body"])["message_id"]),
        concurrency=ours.settings.send_concurrency,
    )
