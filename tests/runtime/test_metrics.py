"""Every metric: its name, its unit, its dimensions, and that each thing is counted once."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import runtime
from runtime.clients import data_client
from runtime.domain.message import Message, Step, UseCase, apply
from runtime.domain.status import DeliveryEvent, Status
from runtime.outcomes import count_changes
from runtime.telemetry import meter
from tests.support.events import ses, sms, whatsapp
from tests.support.requests import EMAIL, SMS, WHATSAPP, request
from tests.support.runtime_world import client_error

Counts = dict[str, list[float]]
THROTTLED = client_error("TooManyRequestsException", 429)
NOBODY = "4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10"


@pytest.fixture
def counted(world, capsys):
    """Return what was counted since the last call: values by name, or by name and dimension."""

    def read() -> Counts:
        counts: Counts = {}
        for line in capsys.readouterr().out.splitlines():
            try:
                entry = json.loads(line)
                (directive,) = entry["_aws"]["CloudWatchMetrics"]
            except (ValueError, KeyError):
                continue  # a log line
            assert directive["Namespace"] == "FallbackMessaging"
            (dimensions,) = directive["Dimensions"]
            assert entry["stack"] == "test"
            further = "/".join(entry[name] for name in sorted(dimensions) if name != "stack")
            for metric in directive["Metrics"]:
                is_time = metric["Name"] == "TimeToDelivery"
                assert metric["Unit"] == ("Milliseconds" if is_time else "Count")
                name = f"{metric['Name']}/{further}" if further else metric["Name"]
                values = entry[metric["Name"]]
                counts.setdefault(name, []).extend(values if isinstance(values, list) else [values])
        # The zero that a send counts as its channel's events is one that an alarm compares with.
        return {
            name: values
            for name, values in counts.items()
            if any(values) or name.startswith("EventsApplied")
        }

    read()
    return read


def test_a_message_is_counted_at_each_of_its_stations_once(world, counted) -> None:
    message_id = world.accept(request(), key="k")
    assert counted() == {"MessagesAccepted": [1]}
    world.start(message_id)
    assert counted() == {"MessagesSent/email": [1], "EventsApplied/email": [0]}
    world.now += 60_000
    world.fire({"message_id": message_id, "step": 1, "due_at": world.now})
    assert counted() == {
        "MessagesSent/sms": [1],
        "EventsApplied/sms": [0],
        "Fallbacks/timeout": [1],
    }
    world.normalize(sms("TEXT_DELIVERED", message_id, 1, final=True))
    assert counted() == {
        "EventsApplied/sms": [1],
        "MessagesDelivered/sms": [1],
        "TimeToDelivery/sms": [5000],
    }
    world.normalize(ses("Delivery", message_id, 0))
    late = counted()
    assert late.pop("TimeToDelivery/email") == [5000]
    assert late == {
        "EventsApplied/email": [1],
        "MessagesDelivered/email": [1],
        "DeliveredLate": [1],
        "DeliveredTwice": [1],
    }


def test_what_comes_again_is_a_duplicate_or_one_more_event_and_nothing_else(world, counted) -> None:
    message_id = world.accept(request(), key="k")
    world.start(message_id)
    world.normalize(ses("Delivery", message_id, 0))
    counted()
    world.accept(request(), key="k")
    assert counted() == {"DuplicatesSuppressed": [1]}
    world.normalize(ses("Delivery", message_id, 0), ses("Click", message_id, 0))
    world.normalize(ses("Delivery", message_id, 0), ses("Send", message_id, 0))
    assert counted() == {"EventsApplied/email": [2, 2]}


def test_a_record_that_comes_again_before_any_event_is_a_duplicate(world, counted) -> None:
    message_id = world.accept(request())
    world.start(message_id)
    counted()
    world.start(message_id)
    world.start(message_id, message_id)
    assert counted() == {"DuplicatesSuppressed": [1, 2]}


@pytest.mark.parametrize("tries", [1, 2, 4])
def test_a_fallback_is_counted_once_however_often_it_is_throttled(world, counted, tries) -> None:
    message_id = world.accept(request())
    world.start(message_id)
    world.normalize(ses("Bounce", message_id, 0))
    failed = counted()
    assert failed == {
        "MessagesAccepted": [1],
        "MessagesSent/email": [1],
        "EventsApplied/email": [0, 1],
        "MessagesFailed/email": [1],
    }
    world.providers["sms"].answers = [THROTTLED] * tries
    for _ in range(tries + 1):
        # The wait of the step before is over each time, whichever timer starts the next try.
        world.now += 60_000
        world.fire({"message_id": message_id, "step": 1, "due_at": world.now})
    assert counted() == {
        "Fallbacks/failure": [1],
        "MessagesSent/sms": [1],
        "EventsApplied/sms": [0],
    }


@pytest.mark.parametrize("conflicts", [1, 3])
def test_a_change_that_met_conflicts_is_counted_once(
    world, counted, monkeypatch, conflicts
) -> None:
    message_id = world.accept(request())
    world.start(message_id)
    counted()
    client = data_client("dynamodb")
    execute = client.batch_execute_statement
    left = [conflicts]

    def batch(Statements):  # noqa: N803
        if Statements[0]["Statement"].startswith("UPDATE") and left[0]:
            left[0] -= 1
            return {"Responses": [{"Error": {"Code": "ConditionalCheckFailed"}}]}
        return execute(Statements=Statements)

    monkeypatch.setattr(client, "batch_execute_statement", batch)
    world.normalize(ses("Delivery", message_id, 0))
    assert left == [0]
    assert counted() == {
        "EventsApplied/email": [1],
        "MessagesDelivered/email": [1],
        "TimeToDelivery/email": [5000],
    }


@pytest.mark.parametrize("code", ["ThrottlingError", "InternalServerError"])
def test_a_change_that_was_not_written_is_not_counted(world, counted, monkeypatch, code) -> None:
    message_id = world.accept(request())
    world.start(message_id)
    counted()
    refuse = {"Responses": [{"Error": {"Code": code}}]}
    with monkeypatch.context() as patch:
        patch.setattr(data_client("dynamodb"), "batch_execute_statement", lambda **_: refuse)
        world.normalize(ses("Delivery", message_id, 0))
    assert counted() == {}
    world.normalize(ses("Delivery", message_id, 0))
    assert counted() == {
        "EventsApplied/email": [1],
        "MessagesDelivered/email": [1],
        "TimeToDelivery/email": [5000],
    }


def test_events_without_a_message_of_ours_are_counted_by_what_they_lack(world, counted) -> None:
    foreign = ses("Delivery", NOBODY, 0)
    del foreign["mail"]["tags"]
    world.normalize(foreign, ses("Delivery", NOBODY, 0), ses("Click", NOBODY, 0))
    assert counted() == {"EventsUnmatched": [3]}
    world.normalize(whatsapp("delivered", wamid="wamid.A"), whatsapp("sent", wamid="wamid.B"))
    assert counted() == {"EventsParked": [2]}
    unknown = {"eventType": "TEXT_PONDERED"}
    world.normalize(unknown, unknown, {"x": 1})
    assert counted() == {"EventsUnknown/unknown_event_type": [2], "EventsUnknown/unrecognized": [1]}
    world.normalize(*["no event"] * 12)
    assert counted() == {"EventsQuarantined": [12]}


def test_a_broadcast_counts_each_step_and_no_fallback(world, counted) -> None:
    message_id = world.accept(request(EMAIL, SMS, WHATSAPP, use_case="broadcast"))
    world.start_all(message_id)
    assert counted() == {
        "MessagesAccepted": [1],
        "MessagesSent/email": [1],
        "MessagesSent/sms": [1],
        "MessagesSent/whatsapp": [1],
        "EventsApplied/email": [0],
        "EventsApplied/sms": [0],
        "EventsApplied/whatsapp": [0],
    }


def test_an_invocation_counts_nothing_that_an_earlier_one_has_counted(world, counted) -> None:
    ids = [world.accept(request()) for _ in range(3)]
    assert counted() == {"MessagesAccepted": [1, 1, 1]}
    world.start(*ids)
    assert counted() == {"MessagesSent/email": [3], "EventsApplied/email": [0]}


def test_an_invocation_that_ends_in_an_error_has_counted_all_the_same(
    world, counted, monkeypatch
) -> None:
    def refuse(**_):
        raise client_error("ProvisionedThroughputExceededException")

    monkeypatch.setattr(data_client("dynamodb"), "batch_get_item", refuse)
    with pytest.raises(Exception, match="Provisioned"):
        world.normalize({"x": 1}, ses("Delivery", NOBODY, 0))
    assert counted() == {"EventsUnknown/unrecognized": [1]}


@pytest.mark.parametrize(
    ("delivered_at", "expected"),
    [(1, 1), (999, 999), (5_000, 5_000), (86_400_000, 86_400_000), (-3, 0)],
)
def test_the_time_to_delivery_is_in_milliseconds_since_the_message_was_taken(
    world, counted, delivered_at, expected
) -> None:
    now = world.now
    before = Message("id", UseCase.FALLBACK, (Step("sms", 60),), created_at=now, expires_at=0)
    seen = DeliveryEvent("sms", Status.DELIVERED, "d", step=0, occurred_at=now + delivered_at)
    read = replace(seen, status=Status.READ, occurred_at=now + delivered_at + 7)
    count_changes(before, apply(before, [read, seen]))
    meter.flush()
    assert counted() == {"MessagesDelivered/sms": [1]} | (
        {"TimeToDelivery/sms": [expected]} if expected else {}
    )


def test_every_metric_of_the_functions_is_seen_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    code = "".join(
        path.read_text(encoding="utf-8") for path in Path(runtime.__file__).parent.rglob("*.py")
    )
    names = set(re.findall(r'meter\.(?:count|observe)\(\s*"(\w+)"', code))
    assert len(names) > 10
    assert {name for name in names if name not in source} == set()
