"""What makes a request another one under the same Idempotency-Key: every member of it."""

import json
from pathlib import Path

import runtime
from tests.support.requests import EMAIL, SMS, WHATSAPP, request

WHOLE = request(
    EMAIL
    | {
        "fallback_seconds": 40,
        "success_status": "delivered",
        "on_failure": {"throttled": "fall_back"},
    },
    SMS,
    WHATSAPP,
    on_failure={"unreachable": "retry"},
)
# Another value for each member of a request, and for each of a step.
OF_REQUEST = {
    "use_case": "broadcast",
    "fallback_seconds": 61,
    "on_failure": {"unreachable": "stop"},
    "pc": WHOLE["pc"] | {"recipient": "bob@example.org"},
    "fc": [SMS, WHATSAPP | {"recipient": "+14255550199"}],
}
OF_STEP = {
    "channel": "EMAIL",
    "sender": "news@example.com",
    "recipient": "bob@example.org",
    "fallback_seconds": 41,
    "success_status": "read",
    "on_failure": {"throttled": "retry"},
    "email": {"subject": "Your code", "text": "The code is 123457."},
}


def members(*path: str) -> set[str]:
    schema = json.loads(Path(runtime.__file__).with_name("request.schema.json").read_text())
    for name in path:
        schema = schema[name]
    return set(schema["properties"])


def test_every_member_of_the_schema_is_tried() -> None:
    assert set(OF_REQUEST) == members()
    assert set(OF_STEP) | {"sms", "whatsapp", "rcs"} == members("definitions", "step")


def changed_requests() -> dict[str, dict]:
    changed = {name: WHOLE | {name: value} for name, value in OF_REQUEST.items()}
    changed |= {
        f"pc/{name}": WHOLE | {"pc": WHOLE["pc"] | {name: value}} for name, value in OF_STEP.items()
    }
    for name in ("fallback_seconds", "on_failure"):
        changed[f"no {name}"] = {key: value for key, value in WHOLE.items() if key != name}
    for name in ("fallback_seconds", "on_failure", "success_status"):
        first = {key: value for key, value in WHOLE["pc"].items() if key != name}
        changed[f"no pc/{name}"] = WHOLE | {"pc": first}
    changed["order of fc"] = WHOLE | {"fc": WHOLE["fc"][::-1]}
    changed["shorter fc"] = WHOLE | {"fc": WHOLE["fc"][:1]}
    return changed


def test_the_same_key_with_any_member_changed_is_refused(world) -> None:
    first = world.accept(WHOLE, key="k")
    statuses = {name: world.post(body, key="k").status for name, body in changed_requests().items()}
    assert statuses == dict.fromkeys(statuses, 422)
    assert world.accept(WHOLE, key="k") == first
    # Nothing of the refused requests has gone into the row or the queue.
    assert {item["body"]["message_id"] for item in world.queued("intake")} == {first}
    (row,) = world.dynamodb.scan(TableName="messages")["Items"]
    assert row["message_id"]["S"] == first
