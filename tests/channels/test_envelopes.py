"""What an event may be wrapped in, and what is not to be taken for a wrapping."""

import json
import time

import pytest

from runtime.channels import UnparseableEventError, minimize_event, parse_event
from runtime.channels.channel import ParseContext, read_time
from tests.support.events import ses, sms, whatsapp

MESSAGE_ID = "4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10"
DELIVERED = json.dumps(sms("TEXT_DELIVERED", MESSAGE_ID, 1))


def ignored(payload: object) -> dict[str, int]:
    context = ParseContext()
    assert parse_event(json.dumps(payload), context) == []
    return dict(context.ignored)


@pytest.mark.parametrize("sign", ["TopicArn", "Type", "MessageId"])
def test_one_sign_of_sns_is_enough_for_its_envelope(sign) -> None:
    (event,) = parse_event({"Message": DELIVERED, sign: "x"})
    assert event.step == 1


@pytest.mark.parametrize(
    "payload",
    [
        {"Message": DELIVERED},
        {"Type": "Notification", "TopicArn": "x"},
        {"Message": DELIVERED, "topicArn": "x", "type": "x", "messageId": "x"},
        {"detail": json.loads(DELIVERED)},
        {"detail-type": "x", "detail": DELIVERED},
        {"detail-type": "x"},
        {"Sns": DELIVERED},
        {"Records": {}},
    ],
)
def test_half_an_envelope_is_none(payload) -> None:
    assert ignored(payload) == {"unrecognized": 1}


def test_an_event_with_members_like_an_envelopes_is_read_as_it_is() -> None:
    for more in ({"Type": "x"}, {"MessageId": "x"}, {"detail-type": "x"}, {"Records": "x"}):
        (event,) = parse_event(json.loads(DELIVERED) | more)
        assert event.step == 1


def test_what_is_not_known_hides_nothing_that_comes_after_it() -> None:
    context = ParseContext()
    topic = "Successfully validated SNS topic for Amazon SES event publishing."
    records = [
        {"name": "x"},
        {"Sns": {"Message": topic}},
        json.loads(DELIVERED),
        {"name": "y"},
        {"Sns": {"Message": json.dumps(ses("Delivery", MESSAGE_ID, 2))}},
    ]
    assert [event.step for event in parse_event({"Records": records}, context)] == [1, 2]
    assert context.ignored == {"unrecognized": 2, "topic_validated": 1}


def test_what_is_ignored_is_counted_over_all_events_of_a_context() -> None:
    context = ParseContext()
    for _ in range(3):
        parse_event({}, context)
    parse_event(whatsapp("deleted", wamid="wamid.A"), context)
    assert context.ignored == {"unrecognized": 3, "deleted": 1}


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ({"whatsAppWebhookEntry": "{"}, "broken whatsapp event"),
    ],
)
def test_what_is_no_event_says_in_which_way(payload, words) -> None:
    with pytest.raises(UnparseableEventError) as raised:
        parse_event(payload)
    assert str(raised.value) == words


def test_bytes_that_are_no_text_inside_an_event_do_not_lose_it() -> None:
    data = DELIVERED.encode().replace(b"As the carrier says", b"\xff")
    (event,) = parse_event(data)
    assert event.step == 1


def test_an_event_in_an_envelope_is_minimized_without_it() -> None:
    envelope = {"Type": "Notification", "Message": DELIVERED}
    assert minimize_event(json.dumps(envelope)) == minimize_event(DELIVERED)


def test_a_time_without_a_zone_is_utc_wherever_the_code_runs(monkeypatch) -> None:
    try:
        for zone in ("UTC", "America/New_York", "Asia/Tokyo"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            assert read_time("2027-01-15T08:00:00") == 1_800_000_000_000
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_first_millisecond_there_was_is_a_time() -> None:
    assert read_time(0.001) == 1
