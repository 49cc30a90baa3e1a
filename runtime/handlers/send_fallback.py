"""Sends the steps whose timer has come (SQS timers)."""

import json
from typing import Any

from runtime.batches import process_records
from runtime.telemetry import instrumented
from runtime.timers import Timer

from ._sender import sender


@instrumented
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Look at the timers of a batch; failed records go back to the queue one by one."""
    ours = sender()
    return process_records(
        event,
        lambda record: ours.on_timer(Timer(**json.loads(record["body"]))),
        concurrency=ours.settings.send_concurrency,
    )
