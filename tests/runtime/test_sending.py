"""The senders: arm, claim, send, record, and what happens when one of them goes wrong."""

import json
from dataclasses import replace

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from runtime import sending
from runtime.clients import _DATA, _SEND, data_client
from runtime.handlers import _sender, send_primary
from tests.support.events import ses
from tests.support.requests import EMAIL, SMS, WHATSAPP, request
from tests.support.runtime_world import CONTEXT, client_error

URL = {"endpoint_url": "https://provider"}


def start(world, body, **options) -> str:
    message_id = world.accept(body, **options)
    world.queued("intake")
    assert world.start(message_id) == {"batchItemFailures": []}
    return message_id


def test_the_first_step_goes_out_with_our_ids_and_the_timer_of_the_next_is_armed(world) -> None:
    message_id = start(world, request())
    (sent,) = world.providers["email"].requests
    assert sent == {
        "FromEmailAddress": "shop@example.com",
        "Destination": {"ToAddresses": ["ann@example.org"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Your code", "Charset": "UTF-8"},
                "Body": {"Text": {"Data": "The code is 123456.", "Charset": "UTF-8"}},
            }
        },
        "EmailTags": [
            {"Name": "message_id", "Value": message_id},
            {"Name": "step", "Value": "0"},
        ],
        "ConfigurationSetName": "ses-set",
    }
    (timer,) = world.queued("timers")
    assert timer["body"] == {"message_id": message_id, "step": 1, "due_at": world.now + 60_000}
    assert timer["delay"] == pytest.approx(60_000, abs=50)
    document = world.document(message_id)
    assert document["status"] == "accepted"
    assert document["steps"][0]["provider_message_id"] == "email-1"
    assert document["next_timer_at"] == document["steps"][1]["due_at"]


def test_the_timer_is_armed_before_the_send(world) -> None:
    armed = []
    world.providers["email"].answers = [lambda: armed.extend(world.queued("timers"))]
    start(world, request())
    assert len(armed) == 1


def test_the_step_is_claimed_before_the_send(world) -> None:
    message_id = world.accept(request())
    seen = []
    world.providers["email"].answers = [lambda: seen.append(world.row(message_id))]
    world.start(message_id)
    (step, _) = seen[0]["steps"]["L"]
    assert step["M"]["attempt"] == {"N": "1"}


def test_the_fallback_goes_out_when_its_timer_is_due(world) -> None:
    message_id = start(world, request())
    (timer,) = world.queued("timers")
    world.now += 60_000
    assert world.fire(timer["body"]) == {"batchItemFailures": []}
    (sent,) = world.providers["sms"].requests
    assert sent == {
        "DestinationPhoneNumber": "+14255550156",
        "OriginationIdentity": "+12065550100",
        "MessageBody": "The code is 123456.",
        "MessageType": "TRANSACTIONAL",
        "Context": {"message_id": message_id, "step": "1"},
        "ConfigurationSetName": "sms-set",
    }
    document = world.document(message_id)
    assert document["fallback"]["reason"] == "timeout"
    assert document["steps"][1]["status"] == "accepted"


def test_a_timer_that_comes_twice_sends_once(world) -> None:
    start(world, request())
    (timer,) = world.queued("timers")
    world.now += 60_000
    world.fire(timer["body"], timer["body"])
    world.fire(timer["body"])
    assert len(world.providers["sms"].requests) == 1


def test_an_intake_that_comes_twice_sends_once(world) -> None:
    message_id = start(world, request())
    world.start(message_id, message_id)
    assert len(world.providers["email"].requests) == 1


def test_a_long_wait_hops_and_loses_no_time(world) -> None:
    message_id = start(world, request(fallback_seconds=2000))
    due_at = world.now + 2_000_000
    for expected in (900, 900, 200):
        (timer,) = world.queued("timers")
        assert timer["delay"] == pytest.approx(expected * 1000, abs=50)
        assert timer["body"] == {"message_id": message_id, "step": 1, "due_at": due_at}
        assert not world.providers["sms"].requests
        world.now += expected * 1000
        world.fire(timer["body"])
    assert len(world.providers["sms"].requests) == 1


def test_a_hop_ends_once_the_chain_is_over(world) -> None:
    message_id = start(world, request(fallback_seconds=2000))
    (timer,) = world.queued("timers")
    world.cancel(message_id)
    world.now += 900_000
    world.fire(timer["body"])
    assert not world.queued("timers")


def test_no_text_arrives_after_its_fallback(world) -> None:
    start(world, request(SMS, EMAIL, fallback_seconds=45))
    start(world, request(SMS, EMAIL, fallback_seconds=0))
    assert [sent["TimeToLive"] for sent in world.providers["sms"].requests] == [45, 5]


def test_a_broadcast_starts_every_step_at_once_and_waits_for_nothing(world) -> None:
    message_id = start(world, request(EMAIL, SMS, WHATSAPP, use_case="broadcast"))
    timers = world.queued("timers")
    assert [(timer["body"]["step"], timer["delay"]) for timer in timers] == [(1, 0), (2, 0)]
    world.fire(*[timer["body"] for timer in timers])
    assert [len(provider.requests) for provider in world.providers.values()] == [1, 1, 1]
    assert not world.queued("timers")
    document = world.document(message_id)
    assert [step["status"] for step in document["steps"]] == ["accepted"] * 3
    assert document["fallback"] is None
    assert "TimeToLive" not in world.providers["sms"].requests[0]


def test_a_broadcast_that_comes_twice_sends_once(world) -> None:
    message_id = start(world, request(use_case="broadcast"))
    world.start_all(message_id)
    world.start_all(message_id)
    assert [len(world.providers[name].requests) for name in ("email", "sms")] == [1, 1]


def test_a_rejection_falls_back_at_once(world) -> None:
    world.providers["email"].answers = [client_error("MessageRejected")]
    message_id = start(world, request())
    timers = world.queued("timers")
    assert [round(timer["delay"] / 1000) for timer in timers] == [60, 0]
    world.fire(timers[1]["body"])
    assert len(world.providers["sms"].requests) == 1
    document = world.document(message_id)
    assert document["fallback"]["reason"] == "failure"
    assert document["steps"][0]["failure"] == {
        "class": "content_rejected",
        "reason": "MessageRejected",
        "permanent": None,
    }
    world.now += 60_000
    world.fire(timers[0]["body"])
    assert len(world.providers["sms"].requests) == 1


def test_a_rejection_of_the_last_step_ends_the_chain_and_deletes_the_content(world) -> None:
    error = client_error("ConflictException", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT")
    world.providers["sms"].answers = [error]
    message_id = start(world, request())
    (timer,) = world.queued("timers")
    world.now += 60_000
    world.fire(timer["body"])
    document = world.document(message_id)
    assert document["status"] == "failed"
    assert document["steps"][1]["failure"]["class"] == "opted_out"
    assert document["steps"][1]["failure"]["permanent"] is True
    assert not world.has_content(message_id)
    assert not world.queued("timers")


@pytest.mark.parametrize(
    "error",
    [
        client_error("TooManyRequestsException", 429),
        client_error("ThrottlingException"),
        ConnectTimeoutError(**URL),
        EndpointConnectionError(**URL),
    ],
)
def test_what_was_provably_not_accepted_is_tried_again_with_back_off(world, error) -> None:
    world.providers["email"].answers = [error] * 3
    message_id = start(world, request())
    waits = []
    for _ in range(3):
        *_, retry = world.queued("timers")
        assert retry["body"]["step"] == 0
        waits.append(round(retry["delay"] / 1000))
        assert not world.providers["email"].requests
        world.now += 1000 * waits[-1]
        world.fire(retry["body"])
    assert waits == [1, 2, 4]
    assert len(world.providers["email"].requests) == 1
    assert world.document(message_id)["status"] == "accepted"


def test_a_claim_whose_answer_was_lost_is_known_for_ones_own(world, monkeypatch) -> None:
    message_id = world.accept(request())
    client = data_client("dynamodb")
    update = client.update_item
    lost = []

    def lose_the_first_answer(**call):
        answer = update(**call)
        if not lost:
            lost.append(call)
            return update(**call)  # botocore repeats it, and its condition fails
        return answer

    monkeypatch.setattr(client, "update_item", lose_the_first_answer)
    assert world.start(message_id) == {"batchItemFailures": []}
    assert lost
    assert len(world.providers["email"].requests) == 1
    assert world.document(message_id)["status"] == "accepted"


def test_a_sender_does_not_release_what_another_has_claimed_since(world) -> None:
    message_id = world.accept(request())
    world.providers["email"].answers = [
        client_error("TooManyRequestsException", 429),
        ReadTimeoutError(**URL),
    ]
    release = sending.release

    def late_release(row, index, **given):
        # Before the first sender's release is saved, it is released and claimed by a second one.
        if len(world.providers["email"].answers) == 1:
            sending.release = release
            saved = _sender.sender().store.save(release(row, index, **given), world.now)
            world.now = given["retry_at"]
            world.start(saved.message_id)
        return release(row, index, **given)

    sending.release = late_release
    try:
        world.start(message_id)
    finally:
        sending.release = release
    step = world.row(message_id)["steps"]["L"][0]["M"]
    assert int(step["attempt"]["N"]) == 2
    assert "lease_until" in step  # held by the second sender, whose answer is unclear
    world.now += 10**6
    world.start(message_id)
    assert not world.providers["email"].requests


def test_a_request_that_cannot_be_made_fails_the_step_and_not_the_sender(
    world, monkeypatch
) -> None:
    def broken(*_arguments):
        raise KeyError("subject")

    monkeypatch.setitem(
        sending.CHANNELS, "email", replace(sending.CHANNELS["email"], build_request=broken)
    )
    message_id = start(world, request())
    *_, timer = world.queued("timers")
    assert timer["body"]["step"] == 1
    failure = world.document(message_id)["steps"][0]["failure"]
    assert (failure["class"], failure["reason"]) == ("configuration", "KeyError")


def test_content_deleted_by_a_success_meanwhile_is_no_failure(world, monkeypatch) -> None:
    message_id = start(world, request())
    (timer,) = world.queued("timers")
    store = type(_sender.sender().store)
    read = store.read_contents

    def after_a_success(self, id_):
        world.normalize(ses("Delivery", message_id, 0))
        return read(self, id_)

    monkeypatch.setattr(store, "read_contents", after_a_success)
    world.now += 60_000
    world.fire(timer["body"])
    document = world.document(message_id)
    assert [step["status"] for step in document["steps"]] == ["delivered", "queued"]
    assert not world.providers["sms"].requests


def test_a_step_that_is_throttled_all_along_is_overtaken_by_its_fallback(world) -> None:
    world.providers["email"].answers = [client_error("TooManyRequestsException", 429)] * 20
    message_id = start(world, request())
    timer, retry = world.queued("timers")
    world.now += 60_000
    world.fire(timer["body"])
    world.fire(retry["body"])
    assert len(world.providers["sms"].requests) == 1
    assert not world.providers["email"].requests
    assert world.document(message_id)["fallback"]["reason"] == "timeout"


def test_a_last_step_that_is_throttled_too_long_fails(world) -> None:
    world.providers["sms"].answers = [client_error("ThrottlingException")] * 500
    message_id = start(world, request())
    pending = [timer["body"] for timer in world.queued("timers")]
    for _ in range(200):
        if not pending:
            break
        timer = pending.pop()
        world.now = max(world.now, timer["due_at"])
        world.fire(timer)
        pending += [timer["body"] for timer in world.queued("timers")]
    document = world.document(message_id)
    assert not pending
    assert document["status"] == "failed"
    assert document["steps"][1]["failure"]["class"] == "throttled"


AMBIGUOUS = [
    ReadTimeoutError(**URL),
    ConnectionClosedError(**URL),
    client_error("InternalServerException", 500),
]


@pytest.mark.parametrize("error", AMBIGUOUS)
def test_an_unclear_answer_of_a_step_with_a_successor_is_never_sent_again(world, error) -> None:
    world.providers["email"].answers = [error]
    message_id = start(world, request())
    (timer,) = world.queued("timers")
    world.now += 300_000
    assert world.start(message_id) == {"batchItemFailures": []}
    assert not world.providers["email"].requests
    world.fire(timer["body"])
    assert len(world.providers["sms"].requests) == 1


@pytest.mark.parametrize("error", AMBIGUOUS)
def test_an_unclear_answer_of_the_last_step_is_sent_again_after_its_lease(world, error) -> None:
    world.providers["sms"].answers = [error]
    start(world, request())
    (timer,) = world.queued("timers")
    world.now += 60_000
    world.fire(timer["body"])
    (again,) = world.queued("timers")
    assert again["body"]["due_at"] == world.now + 60_000
    world.now += 59_000
    world.fire(again["body"])
    (again,) = world.queued("timers")
    assert not world.providers["sms"].requests
    world.now += 1_000
    world.fire(again["body"])
    assert len(world.providers["sms"].requests) == 1
    assert not world.queued("timers")


def test_a_last_step_that_stays_unclear_is_sent_three_times_and_then_left(world) -> None:
    sms = world.providers["sms"]
    tried = []

    def lose_the_answer() -> None:
        tried.append(world.now)
        raise ReadTimeoutError(**URL)

    sms.answers = [lose_the_answer] * 10
    message_id = start(world, request())
    pending = [timer["body"] for timer in world.queued("timers")]
    while pending:
        timer = pending.pop()
        world.now = max(world.now, timer["due_at"])
        world.fire(timer)
        pending += [timer["body"] for timer in world.queued("timers")]
    assert [at - tried[0] for at in tried] == [0, 60_000, 120_000]
    assert not world.has_content(message_id)
    world.now += 4_000_000
    assert world.document(message_id)["status"] == "unknown"


def test_an_unclear_last_step_whose_events_came_is_not_sent_again(world) -> None:
    world.providers["sms"].answers = [ReadTimeoutError(**URL)]
    message_id = start(world, request())
    (timer,) = world.queued("timers")
    world.now += 60_000
    world.fire(timer["body"])
    world.normalize(
        {
            "eventType": "TEXT_PENDING",
            "isFinal": False,
            "messageId": "sms-9",
            "context": {"message_id": message_id, "step": "1"},
        }
    )
    world.now += 600_000
    world.fire(*[timer["body"] for timer in world.queued("timers")])
    assert not world.providers["sms"].requests
    assert world.document(message_id)["steps"][1]["provider_message_id"] == "sms-9"
    assert not world.has_content(message_id)


def test_one_bad_record_does_not_repeat_its_neighbours(world) -> None:
    ids = [world.accept(request()) for _ in range(3)]
    event = {
        "Records": [
            {"messageId": "good-0", "body": json.dumps({"message_id": ids[0]})},
            {"messageId": "bad", "body": "not json"},
            {"messageId": "good-1", "body": json.dumps({"message_id": ids[1]})},
        ]
    }
    answer = send_primary.handler(event, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert len(world.providers["email"].requests) == 2


def test_a_message_whose_row_is_gone_is_left_alone(world) -> None:
    assert world.start("00000000-0000-4000-8000-000000000000") == {"batchItemFailures": []}


def test_a_step_whose_content_is_gone_fails_and_says_so(world) -> None:
    message_id = world.accept(request())
    world.dynamodb.delete_item(TableName="payloads", Key={"message_id": {"S": message_id}})
    world.start(message_id)
    failure = world.document(message_id)["steps"][0]["failure"]
    assert failure["reason"] == "content is no longer stored"


def test_content_reaches_the_provider_byte_for_byte(world) -> None:
    text = 'A&B + 100% =\n«Ünïcödé» 🎉 \\u0041 "quoted" <b>'
    body = request(
        EMAIL | {"email": {"subject": "Ça & là 🎉", "text": text, "html": text}},
        SMS | {"sms": {"message": text}},
        WHATSAPP | {"whatsapp": {"message": text}},
        use_case="broadcast",
    )
    world.start_all(world.accept(body))
    simple = world.providers["email"].requests[0]["Content"]["Simple"]
    assert simple["Subject"]["Data"] == "Ça & là 🎉"
    assert simple["Body"]["Text"]["Data"] == simple["Body"]["Html"]["Data"] == text
    assert world.providers["sms"].requests[0]["MessageBody"] == text
    message = json.loads(world.providers["whatsapp"].requests[0]["message"])
    assert message["text"] == {"body": text}


def test_a_template_goes_out_with_its_data(world) -> None:
    email = {"template": "code", "template_data": {"name": "Åse", "code": 1}}
    start(world, request(EMAIL | {"email": email}, SMS))
    template = world.providers["email"].requests[0]["Content"]["Template"]
    assert template["TemplateName"] == "code"
    assert json.loads(template["TemplateData"]) == {"name": "Åse", "code": 1}


def test_mail_may_be_html_alone(world) -> None:
    start(world, request(EMAIL | {"email": {"subject": "s", "html": "<p>x</p>", "text": ""}}, SMS))
    body = world.providers["email"].requests[0]["Content"]["Simple"]["Body"]
    assert list(body) == ["Html"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("Café <shop@example.com>", "=?utf-8?b?Q2Fmw6k=?= <shop@example.com>"),
        ("Smith, Ann <ann@example.com>", '"Smith, Ann" <ann@example.com>'),
        ('"Smith, Ann" <ann@example.com>', '"Smith, Ann" <ann@example.com>'),
        ("a.b@evil.com, <ann@example.com>", '"a.b@evil.com," <ann@example.com>'),
        ("A:B <ann@example.com>", '"A:B" <ann@example.com>'),
        (" <ann@example.com>", "ann@example.com"),
    ],
)
def test_a_display_name_is_written_for_the_header(world, given, sent) -> None:
    start(world, request(EMAIL | {"sender": given}, SMS))
    assert world.providers["email"].requests[0]["FromEmailAddress"] == sent


def test_a_requests_own_configuration_set_wins(world, monkeypatch) -> None:
    monkeypatch.setenv("ALLOWED_CONFIGURATION_SETS", '["own"]')
    email, sms = dict(EMAIL["email"]), dict(SMS["sms"])
    email["configuration_set"] = sms["configuration_set"] = "own"
    body = request(EMAIL | {"email": email}, SMS | {"sms": sms}, use_case="blast")
    world.start_all(world.accept(body))
    for name in ("email", "sms"):
        assert world.providers[name].requests[0]["ConfigurationSetName"] == "own"


def test_a_whatsapp_message_is_metas_object_with_our_ids(world, monkeypatch) -> None:
    monkeypatch.setenv("WHATSAPP_PHONE_NUMBERS", '{"+12065550100": "phone-number-id-1"}')
    message_id = start(world, request(WHATSAPP | {"sender": "+12065550100"}, SMS))
    (sent,) = world.providers["whatsapp"].requests
    assert (sent["originationPhoneNumberId"], sent["metaApiVersion"]) == (
        "phone-number-id-1",
        "v24.0",
    )
    assert json.loads(sent["message"]) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+14255550157",
        "type": "text",
        "text": {"body": "The code is 123456."},
        "biz_opaque_callback_data": f"{message_id}:0",
    }


def test_a_whatsapp_number_that_has_lost_its_id_is_not_sent_from(world, monkeypatch) -> None:
    monkeypatch.setenv("WHATSAPP_PHONE_NUMBERS", '{"+12065550100": "phone-number-id-1"}')
    message_id = world.accept(request(WHATSAPP | {"sender": "+12065550100"}, SMS))
    monkeypatch.setenv("WHATSAPP_PHONE_NUMBERS", "{}")
    world.start(message_id)
    assert not world.providers["whatsapp"].requests
    failure = world.document(message_id)["steps"][0]["failure"]
    assert (failure["class"], failure["reason"]) == ("configuration", "UnmappedSenderError")


def test_an_answer_that_cannot_be_read_may_be_that_of_a_send(world) -> None:
    world.providers["sms"].answers = [UnicodeDecodeError("utf-8", b"x", 0, 1, "broken")]
    message_id = start(world, request(SMS, EMAIL))
    assert world.document(message_id)["steps"][0]["status"] == "queued"
    (timer,) = world.queued("timers")
    assert timer["body"]["step"] == 1


def test_content_is_deleted_once_no_step_can_need_it(world) -> None:
    message_id = start(world, request())
    assert world.has_content(message_id)
    (timer,) = world.queued("timers")
    world.now += 60_000
    world.fire(timer["body"])
    assert not world.has_content(message_id)


def test_queue_messages_and_logs_carry_nothing_private(world, capsys, caplog) -> None:
    message = "Email address is not verified: ann@example.org"
    error = client_error("MessageRejected")
    error.response["Error"]["Message"] = message
    world.providers["email"].answers = [error]
    start(world, request())
    queued = json.dumps(world.queued("timers")) + capsys.readouterr().out + caplog.text
    assert "MessageRejected" in str([vars(record) for record in caplog.records])
    for private in ("ann@example.org", "5550156", "123456"):
        assert private not in queued


def test_sends_have_one_attempt_and_data_calls_fit_into_the_function() -> None:
    assert _SEND.retries["total_max_attempts"] == 1
    assert _SEND.connect_timeout + _SEND.read_timeout < 30
    assert 3 * (_DATA.connect_timeout + _DATA.read_timeout) < 30
