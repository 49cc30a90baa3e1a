"""Events as the real world sends them: strict about meaning, lenient about form."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.channels import UnparseableEventError, minimize_event, parse_event
from runtime.channels.channel import ParseContext
from runtime.channels.email import recipient_digest
from runtime.domain.status import FailureClass, Status
from tests.channels.test_catalogue import NAMES, sample
from tests.support.events import ADDRESS, ses, sms, whatsapp

MESSAGE_ID = "4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10"


def one(payload, **options):
    (event,) = parse_event(payload, ParseContext(**options))
    return event


def ignored(payload) -> str:
    context = ParseContext()
    assert parse_event(payload, context) == []
    ((reason, count),) = context.ignored.items()
    assert count == 1
    return reason


def test_our_ids_come_back_from_each_channel() -> None:
    payloads = [
        ses("Delivery", MESSAGE_ID, 3),
        sms("TEXT_DELIVERED", MESSAGE_ID, 3),
        whatsapp("delivered", wamid="wamid.A", echo=f"{MESSAGE_ID}:3"),
    ]
    for payload in payloads:
        event = one(payload)
        assert (event.message_id, event.step) == (MESSAGE_ID, 3)


@pytest.mark.parametrize(
    "tags",
    [
        {"message_id": ["job-1"], "step": ["0"]},
        {"message_id": [MESSAGE_ID]},
        {"message_id": MESSAGE_ID.upper(), "step": "0"},
        {"message_id": [MESSAGE_ID], "step": ["first"]},
        {"message_id": [], "step": []},
        {},
        None,
    ],
)
def test_tags_of_others_are_not_taken_for_ours(tags) -> None:
    payload = ses("Delivery", MESSAGE_ID, 0)
    payload["mail"]["tags"] = tags
    event = one(payload)
    assert (event.message_id, event.step) == (None, None)


def test_the_feedback_form_is_read_like_event_publishing() -> None:
    payload = ses("Bounce", MESSAGE_ID, 0)
    payload["notificationType"] = payload.pop("eventType")
    del payload["mail"]["tags"], payload["mail"]["headers"], payload["mail"]["commonHeaders"]
    event = one(payload)
    assert (event.status, event.failure_class) == (Status.FAILED, FailureClass.INVALID_ADDRESS)


@pytest.mark.parametrize(
    ("kind", "subtype", "expected"),
    [
        ("Permanent", "NewInPermanent", (FailureClass.INVALID_ADDRESS, True)),
        ("Transient", "NewInTransient", (FailureClass.UNREACHABLE, False)),
        ("Undetermined", None, (FailureClass.UNKNOWN, None)),
        ("Quantum", "Entangled", (FailureClass.UNKNOWN, None)),
    ],
)
def test_a_bounce_of_a_new_subtype_is_classed_by_its_type(kind, subtype, expected) -> None:
    event = one(ses("Bounce", MESSAGE_ID, 0, bounceType=kind, bounceSubType=subtype))
    assert event.status is Status.FAILED
    assert (event.failure_class, event.permanent) == expected


def test_a_bounce_without_a_report_needs_only_the_address() -> None:
    payload = ses("Bounce", MESSAGE_ID, 0, bouncedRecipients=[{"emailAddress": ADDRESS}])
    assert one(payload).reason == "Permanent/General"


def test_a_reason_names_no_address_and_no_number() -> None:
    payload = ses("Bounce", MESSAGE_ID, 0, bounceSubType=f"x {ADDRESS} +1 (425) 555-0156")
    reason = one(payload).reason
    assert "example.org" not in reason
    assert "555" not in reason


def test_several_bounced_recipients_are_one_event() -> None:
    recipients = [{"emailAddress": ADDRESS, "status": "5.1.1"}, {"emailAddress": "b@example.org"}]
    assert one(ses("Bounce", MESSAGE_ID, 0, bouncedRecipients=recipients)).status is Status.FAILED


def with_copies(kind: str, *recipients: str) -> dict:
    named = {
        "Delivery": {"recipients": list(recipients)},
        "Bounce": {"bouncedRecipients": [{"emailAddress": address} for address in recipients]},
    }
    payload = ses(kind, MESSAGE_ID, 0, **named[kind])
    payload["mail"]["tags"]["recipient"] = [recipient_digest(MESSAGE_ID, ADDRESS)]
    return payload


@pytest.mark.parametrize("kind", ["Delivery", "Bounce"])
@pytest.mark.parametrize("minimized", [False, True])
def test_of_mail_with_copies_only_the_recipients_own_events_count(kind, minimized) -> None:
    def read(payload):
        return minimize_event(json.dumps(payload)) if minimized else payload

    assert ignored(read(with_copies(kind, "copy@example.org"))) == "other_recipient"
    assert one(read(with_copies(kind, "copy@example.org", ADDRESS.upper()))).step == 0


@pytest.mark.parametrize("kind", ["Open", "Click"])
@pytest.mark.parametrize("minimized", [False, True])
def test_of_mail_with_copies_nobody_knows_who_has_opened_it(kind, minimized) -> None:
    payload = ses("Delivery", MESSAGE_ID, 0) | {"eventType": kind, kind.lower(): {}}
    assert one(payload).status is Status.READ
    payload["mail"]["tags"]["recipient"] = [recipient_digest(MESSAGE_ID, ADDRESS)]
    assert ignored(minimize_event(json.dumps(payload)) if minimized else payload) == (
        "other_recipient"
    )


@pytest.mark.parametrize("code", ["5.1.1", "5.7.133", "5.4.316", "4.7.500"])
def test_a_status_code_of_smtp_is_no_number_of_anybody(code) -> None:
    bounced = [{"emailAddress": ADDRESS, "status": code}]
    payload = ses("Bounce", MESSAGE_ID, 0, bouncedRecipients=bounced)
    for form in (payload, minimize_event(json.dumps(payload))):
        assert one(form).reason == f"Permanent/General: {code}"


def test_what_other_applications_note_on_their_messages_is_left_behind() -> None:
    name = "Jane, +14255550156, jane@example.org"
    mail = ses("Delivery", MESSAGE_ID, 0)
    mail["mail"]["tags"] |= {"message_id": [name], "recipient": [name]}
    text = sms("TEXT_DELIVERED", MESSAGE_ID, 0) | {"context": {"message_id": name, "step": name}}
    chat = whatsapp("delivered", wamid="wamid.A", echo=name)
    for payload in (mail, text, chat):
        minimal = minimize_event(json.dumps(payload))
        assert "Jane" not in minimal
        assert one(minimal).message_id is None


def test_metas_id_has_a_number_in_it_and_its_digest_stands_for_it() -> None:
    wamid = "wamid." + base64.b64encode(b"\x1d\x0b14255550156\x15\x02").decode()
    minimal = minimize_event(json.dumps(whatsapp("delivered", wamid=wamid)))
    assert "wamid." not in minimal
    assert minimize_event(minimal) == minimal
    (event,) = parse_event(minimal)
    assert event.provider_message_id
    assert event.provider_message_id.startswith("wamid-")


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        (True, Status.FAILED),
        (False, Status.DELAYED),
        ("true", Status.FAILED),
        (None, Status.DELAYED),
    ],
)
def test_is_final_decides_and_may_come_as_text_or_not_at_all(final, expected) -> None:
    payload = sms("TEXT_UNREACHABLE", MESSAGE_ID, 0) | {"isFinal": final}
    event = one(payload)
    assert event.status is expected
    assert (event.failure_class is None) == (expected is Status.DELAYED)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1_768_471_205_000, 1_768_471_205_000),
        ("1768471205000", 1_768_471_205_000),
        (1_768_471_205, 1_768_471_205_000),
        ("1768471205", 1_768_471_205_000),
        (1_768_471_205_000.0, 1_768_471_205_000),
        ("2026-01-15T10:00:05.000Z", 1_768_471_205_000),
        ("2026-01-15T10:00:05", 1_768_471_205_000),
        ("soon", 1_800_000_000_000),
        (True, 1_800_000_000_000),
        (None, 1_800_000_000_000),
        ([], 1_800_000_000_000),
        (float("inf"), 1_800_000_000_000),
        (1e300, 1_800_000_000_000),
        (-5, 1_800_000_000_000),
        ("0001-01-01T00:00:00+23:59", 1_800_000_000_000),
    ],
)
def test_times_are_read_in_every_form_or_from_the_request(given, expected) -> None:
    assert one(sms("TEXT_SENT", MESSAGE_ID, 0) | {"eventTimestamp": given}).occurred_at == expected


def test_an_event_without_any_time_has_none() -> None:
    payload = sms("TEXT_SENT", MESSAGE_ID, 0)
    del payload["eventTimestamp"], payload["messageRequestTimestamp"]
    assert one(payload).occurred_at is None


def test_optional_fields_may_be_missing() -> None:
    bare = {"eventType": "TEXT_BLOCKED", "isFinal": True, "messageId": "m"}
    event = one(bare)
    assert (event.channel, event.failure_class, event.reason) == ("sms", "blocked", "TEXT_BLOCKED")
    assert one({"eventType": "Delivery", "mail": {"messageId": "m"}}).status is Status.DELIVERED


@pytest.mark.parametrize("prefix", ["TEXT", "MEDIA", "VOICE"])
def test_mms_and_voice_count_as_sms(prefix) -> None:
    assert one(sms(f"{prefix}_TTL_EXPIRED", MESSAGE_ID, 0, final=True)).channel == "sms"


def test_rcs_that_went_on_as_a_text_is_under_way() -> None:
    event = one(sms("RCS_FALLEN_BACK_TO_SMS", MESSAGE_ID, 0))
    assert (event.channel, event.status) == ("rcs", Status.SENT)


def changed(payload: dict, **changes) -> dict:
    """Replace the webhook's first change's value members."""
    webhook = json.loads(payload["whatsAppWebhookEntry"])
    webhook["changes"][0]["value"] |= changes
    return payload | {"whatsAppWebhookEntry": json.dumps(webhook)}


def entry(status: str, id_: str) -> dict:
    return {"id": id_, "status": status, "timestamp": "1768471205"}


def test_all_statuses_of_all_changes_are_read() -> None:
    payload = changed(
        whatsapp("sent"), statuses=[entry("sent", "wamid.A"), entry("read", "wamid.B")]
    )
    webhook = json.loads(payload["whatsAppWebhookEntry"])
    webhook["changes"] *= 2
    events = parse_event(payload | {"whatsAppWebhookEntry": json.dumps(webhook)})
    assert [(event.status, event.provider_message_id) for event in events] == [
        ("sent", "wamid.A"),
        ("read", "wamid.B"),
    ] * 2


def test_all_records_of_an_envelope_are_read() -> None:
    records = [{"Sns": {"Message": json.dumps(ses("Send", MESSAGE_ID, n))}} for n in range(3)]
    assert [event.step for event in parse_event({"Records": records})] == [0, 1, 2]


def test_the_webhook_may_be_an_object_already() -> None:
    payload = whatsapp("read", wamid="wamid.A")
    payload["whatsAppWebhookEntry"] = json.loads(payload["whatsAppWebhookEntry"])
    assert one(payload).status is Status.READ


@pytest.mark.parametrize("minimized", [False, True])
@pytest.mark.parametrize("form", ["twice as text", "a list", "a whole webhook"])
def test_the_webhook_may_come_in_other_forms(form, minimized) -> None:
    payload = whatsapp("read", wamid="wamid.A")
    webhook = json.loads(payload["whatsAppWebhookEntry"])
    forms = {
        "twice as text": json.dumps(payload["whatsAppWebhookEntry"]),
        "a list": [webhook],
        "a whole webhook": {"object": "whatsapp_business_account", "entry": [webhook]},
    }
    payload["whatsAppWebhookEntry"] = forms[form]
    assert one(minimize_event(json.dumps(payload)) if minimized else payload).status == "read"


@pytest.mark.parametrize("minimized", [False, True])
def test_the_statuses_of_payments_and_calls_are_none_of_messages(minimized) -> None:
    payment = changed(whatsapp("x"), statuses=[entry("failed", "wamid.A") | {"type": "payment"}])
    call = json.loads(whatsapp("accepted", wamid="wamid.A")["whatsAppWebhookEntry"])
    call["changes"][0]["field"] = "calls"
    calls = whatsapp("x") | {"whatsAppWebhookEntry": json.dumps(call)}
    for payload, reason in ((payment, "status_of_no_message"), (calls, "account_notice")):
        assert ignored(minimize_event(json.dumps(payload)) if minimized else payload) == reason


def test_a_status_without_any_id_is_counted() -> None:
    assert ignored(whatsapp("delivered")) == "status_without_id"


def test_both_ids_of_accepted_are_kept() -> None:
    event = one(whatsapp("accepted", wamid="wamid.A", aws_id="6d69"))
    assert (event.provider_message_id, event.related_message_id) == ("wamid.A", "6d69")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (131047, (FailureClass.WINDOW_CLOSED, True)),
        ("131047", (FailureClass.WINDOW_CLOSED, True)),
        (999999, (FailureClass.UNKNOWN, None)),
        ("abc", (FailureClass.UNKNOWN, None)),
    ],
)
def test_codes_may_be_text_or_unknown(code, expected) -> None:
    event = one(whatsapp("failed", wamid="wamid.A", code=code))
    assert event.status is Status.FAILED
    assert (event.failure_class, event.permanent) == expected


@pytest.mark.parametrize("errors", [[], None, [None], [{}], "x"])
def test_a_failure_without_a_code_is_still_a_failure(errors) -> None:
    payload = changed(
        whatsapp("failed"), statuses=[entry("failed", "wamid.A") | {"errors": errors}]
    )
    assert one(payload).failure_class is FailureClass.UNKNOWN


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (ses("Send", MESSAGE_ID, 0) | {"eventType": "Subscription"}, "Subscription"),
        ({"notificationType": "AmazonSnsSubscriptionSucceeded"}, "AmazonSnsSubscriptionSucceeded"),
        ("Successfully validated SNS topic for Amazon SES event publishing.", "topic_validated"),
        (ses("Send", MESSAGE_ID, 0) | {"eventType": "Levitation"}, "unknown_event_type"),
        (sms("TEXT_TELEPORTED", MESSAGE_ID, 0), "unknown_event_type"),
        (whatsapp("pondering", wamid="wamid.A"), "unknown_event_type"),
        (whatsapp("deleted", wamid="wamid.A"), "deleted"),
        ({"originationNumber": "+1", "messageBody": "hi", "inboundMessageId": "i"}, "unrecognized"),
        ({"whatsAppWebhookEntry": {"id": "1"}}, "empty_entry"),
        ({}, "unrecognized"),
        ("[]", "unrecognized"),
        ("null", "unrecognized"),
        ("3", "unrecognized"),
        ('"text"', "unrecognized"),
    ],
)
def test_what_changes_nothing_is_counted_by_its_reason(payload, reason) -> None:
    assert ignored(payload) == reason


@pytest.mark.parametrize(
    "payload",
    ["", "hello", "{", b"\xff\xfe", "[" * 100_000, {"whatsAppWebhookEntry": "{"}],
    ids=["empty", "words", "cut", "bytes", "deep", "inside"],
)
def test_what_is_no_event_at_all_is_unparseable(payload) -> None:
    with pytest.raises(UnparseableEventError):
        parse_event(payload)


def test_what_is_unparseable_stays_so_when_minimized_and_says_nothing() -> None:
    minimal = minimize_event("call me at +14255550156")
    with pytest.raises(UnparseableEventError):
        parse_event(minimal)
    assert "4255550156" not in minimal


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_no_json_is_too_strange(value) -> None:
    context = ParseContext()
    assert parse_event(json.dumps(value), context) == []
    parse_event(minimize_event(json.dumps(value)))


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_a_known_event_with_any_member_exchanged_is_read_or_counted(name, data) -> None:
    payload = json.loads(sample(name))
    paths = [(key,) for key in payload] + [
        (key, inner) for key, value in payload.items() if isinstance(value, dict) for inner in value
    ]
    path = data.draw(st.sampled_from(paths))
    target = payload
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = data.draw(JSON)
    context = ParseContext()
    try:
        events = parse_event(payload, context)
        minimal = minimize_event(json.dumps(payload))
    except UnparseableEventError:
        assert path == ("whatsAppWebhookEntry",)
        return
    assert events or sum(context.ignored.values()) or path[0] == "whatsAppWebhookEntry"
    assert isinstance(minimal, str)
