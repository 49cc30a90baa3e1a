"""The first event of each function, for a process that has imported nothing but its handler."""

import json
from typing import Any

from bench.functions import CONTEXT, api_event, kinesis_event, sqs_event
from bench.stand_in import StandIn
from bench.workload import new_messages
from tests.support import requests
from tests.support.events import ses


def first_event(handler: str, stand_in: StandIn) -> tuple[dict[str, Any], Any]:
    """Return an event that goes all the way, and put the rows that it needs into the tables."""
    messages, (message_id,) = new_messages(1)
    stand_in.use(messages.tables())
    events = {
        "message_api": lambda: api_event("POST", "/messages", requests.request()),
        "send_primary": lambda: sqs_event([json.dumps({"message_id": message_id})]),
        "send_fallback": lambda: sqs_event(
            [json.dumps({"message_id": message_id, "step": 1, "due_at": 0})]
        ),
        "relay_events": lambda: sqs_event([json.dumps(ses("Send", message_id, 0))]),
        "normalize_events": lambda: kinesis_event([json.dumps(ses("Delivery", message_id, 0))]),
    }
    return events[handler](), CONTEXT
