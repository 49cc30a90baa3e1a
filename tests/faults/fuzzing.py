"""Bad input: requests and events that are almost right, and bytes that are nothing.

Whatever comes in, the API answers 2xx or a problem document; and an event is applied, counted, or
set aside with its place and reason, and holds up no other.
"""

import copy
import json
from typing import Any

import hypothesis
from hypothesis import strategies as st

from runtime.handlers import normalize_events
from runtime.request_schema import SCHEMA_PATH
from runtime.telemetry import Meter
from tests.faults.invariants import check
from tests.faults.scenarios import chain
from tests.faults.world import World, in_memory
from tests.support import events as examples
from tests.support.requests import EMAIL, SMS, WHATSAPP

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "0", "-1", "1e999", "\ud800", "\x00", "+1425", "a@b", "9" * 400, "NaN"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_RCS = {
    "channel": "rcs",
    "sender": "rcs-1",
    "recipient": "+14255550158",
    "rcs": {"message": "The code is 123456."},
}
VALID = [
    chain("email", "sms"),
    chain("whatsapp", "sms", "email", use_case="broadcast"),
    chain("sms", "email", on_failure={"unreachable": "retry"}),
    {"use_case": "fallback", "pc": _RCS, "fc": [SMS, EMAIL, WHATSAPP]},
]
MESSAGE_ID = "00000000-0000-0000-0000-000000000000"
EVENTS = [
    *(examples.ses(kind, MESSAGE_ID, 0) for kind in ("Send", "Delivery", "Bounce", "Click")),
    examples.sms("TEXT_DELIVERED", MESSAGE_ID, 1, final=True),
    examples.sms("TEXT_UNREACHABLE", MESSAGE_ID, 1, final=False),
    examples.whatsapp("delivered", wamid="wamid.A", aws_id="aws-1"),
    examples.whatsapp("failed", aws_id="aws-1", code=131026),
    examples.whatsapp("read", wamid="wamid.A", echo=f"{MESSAGE_ID}:0"),
]


def _names() -> list[str]:
    """Return every name and constant of the request schema: what a mutation may put anywhere."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            found.update(node.get("properties", {}))
            found.update(value for value in node.get("enum", []) if isinstance(value, str))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))
    return sorted(found)


NAMES = st.sampled_from(_names())
CHANGES = ("text", "text", "remove", "replace", "rename", "add", "wrap", "stretch")


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything inside a JSON value."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    found = [path]
    for name, inner in items:
        found += _places(inner, (*path, name))
    return found


@st.composite
def mutated(draw: Any, valid: list[Any]) -> Any:
    """Draw a valid value with up to three things removed, replaced, added or doubled."""
    value = copy.deepcopy(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(_places(value)))
        if not path:
            continue
        holder = value
        for name in path[:-1]:
            holder = holder[name]
        change = draw(st.sampled_from(CHANGES))
        if change == "remove":
            del holder[path[-1]]
        elif change == "wrap":
            holder[path[-1]] = draw(st.sampled_from([[holder[path[-1]]], {"x": holder[path[-1]]}]))
        elif change == "text" and isinstance(holder[path[-1]], str):
            holder[path[-1]] = draw(st.text(max_size=40))
        elif change == "stretch" and isinstance(holder[path[-1]], str):
            holder[path[-1]] = holder[path[-1]] * draw(st.sampled_from([0, 2, 50, 500]))
        elif change == "add" and isinstance(holder, dict):
            holder[draw(NAMES)] = draw(JSON)
        elif change == "rename" and isinstance(holder, dict):
            holder[draw(NAMES)] = holder.pop(path[-1])
        else:
            holder[path[-1]] = draw(JSON | NAMES)
    return value


@st.composite
def texts(draw: Any, almost_right: st.SearchStrategy[str]) -> str:
    """Draw mostly what is almost right, and now and then anything at all."""
    if draw(st.integers(0, 9)) < 8:
        return draw(almost_right)
    return draw(JSON.map(json.dumps) | st.text(max_size=200))


def _settings(cases: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=cases,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(hypothesis.HealthCheck),
        # Without shrinking: a failing case is small enough, and is printed.
        phases=[hypothesis.Phase.generate],
    )


def requests(cases: int, seed: int = 1) -> int:
    """Hand in so many requests; what is accepted must also be sendable. Returns the number."""
    played = []
    with in_memory() as begin:

        @hypothesis.seed(seed)
        @_settings(cases)
        @hypothesis.given(
            body=texts(mutated(VALID).map(json.dumps)),
            key=st.sampled_from([None, None, None, "key", "", "k" * 129, "\n"]) | st.text(),
        )
        def one(body: str, key: str | None) -> None:
            played.append(1)
            _answers_request(begin(), body, key)

        one()
    return len(played)


def _answers_request(world: World, body: str, key: str | None) -> None:
    answer = world.raw_http("POST", "/messages", body, key)
    kind = answer["multiValueHeaders"]["Content-Type"][0]
    document = json.loads(answer["body"])
    if answer["statusCode"] == 202:
        world.run()
        check(not world.dead_letters, "F1 what is accepted can be sent", body, world.dead_letters)
        found = world.document(document["message_id"])
        failures = [step["failure"] for step in found["steps"] if step["failure"]]
        made = {failure["reason"] for failure in failures if failure["class"] == "configuration"}
        check(not made, "F1 what is accepted makes a request", body, failures)
        return
    check(answer["statusCode"] in (400, 413, 422), "F1 2xx or the caller's fault", answer, body)
    check(kind == "application/problem+json", "F1 a problem document", answer, body)
    check(document["status"] == answer["statusCode"], "F1 its status", answer)


def events(cases: int, seed: int = 1) -> int:
    """Publish so many events, each together with a good one. Returns the number."""
    played = []
    with in_memory() as begin:

        @hypothesis.seed(seed)
        @_settings(cases)
        @hypothesis.given(
            body=texts(mutated(EVENTS).flatmap(_wrapped)),
            minimized=st.booleans(),
        )
        def one(body: str, minimized: bool) -> None:  # noqa: FBT001
            played.append(1)
            _takes_event(begin(), body, minimized=minimized)

        one()
    return len(played)


def _wrapped(event: Any) -> st.SearchStrategy[str]:
    """An event as it is, and in the envelopes in which it may come."""
    text = json.dumps(event)
    return st.sampled_from(
        [text, text, json.dumps({"Message": text, "Type": "Notification"}),
         json.dumps({"detail-type": "x", "detail": event}), json.dumps({"Records": [event, event]})]
    )  # fmt: skip


def _takes_event(world: World, body: str, *, minimized: bool) -> None:
    good = world.submit(chain("email", "sms"), "good")
    assert good is not None
    world.submit(chain("whatsapp", "sms", number=1), None)
    world.run(until=world.now + 1_000)
    counted: dict[str, int] = {}
    before = copy.deepcopy(world.rows())
    joined = copy.deepcopy(world.dynamodb.tables["provider-message-ids"])
    sight = [json.dumps(examples.ses("Delivery", good, 0)), body]
    flush = Meter.flush
    Meter.flush = lambda meter: _collect(meter, counted)  # type: ignore[method-assign]
    try:
        if minimized:
            for text in sight:
                world.put("events", text, world.now)
            world.deliver("events", list(world.queues["events"]))
            world.deliver_stream()
        else:  # as if the relay had let it through whole
            records = [
                {
                    "Data": text.encode("utf-8", "surrogatepass"),
                    "PartitionKey": "k",
                    "SequenceNumber": str(9_000 + n),
                }
                for n, text in enumerate(sight)
            ]
            event = {"Records": [world.stream_record(record) for record in records]}
            answer = world.invoke(normalize_events.handler, event)
            check(answer == {"batchItemFailures": []}, "F2 holds up no other", body, answer)
    finally:
        Meter.flush = flush  # type: ignore[method-assign]
    check(not world.queues["events"], "F2 the relay lets everything pass", body)
    check(not world.stream_pending, "F2 the normalizer is done with it", body)
    check(world.document(good)["status"] == "delivered", "F2 delays no other", body)
    aside = [json.loads(queued.body) for queued in world.queues["quarantine"]]
    wanted = {"reason", "sequence_number", "partition_key", "event_id", "stream", "bytes", "sha256"}
    check(all(set(entry) == wanted for entry in aside), "F2 set aside with place and reason", aside)
    changed = {key for key, row in world.rows().items() if row != before[key]} - {good}
    has_joined = joined != world.dynamodb.tables["provider-message-ids"]
    noted = any(counted.get(name) for name in ("EventsUnknown", "EventsUnmatched", "EventsParked"))
    check(aside or changed or has_joined or noted, "F2 nothing is dropped silently", body, counted)


def _collect(meter: Meter, counted: dict[str, int]) -> None:
    for counts in meter._counts.values():
        for name, value in counts.items():
            counted[name] = counted.get(name, 0) + value
    meter._counts.clear()
    meter._times.clear()
