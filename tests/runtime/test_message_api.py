"""The HTTP API: what it takes, what it answers, and what a retry finds."""

import base64
import json
import random

import pytest
from botocore.exceptions import ReadTimeoutError

from runtime.clients import data_client
from runtime.handlers import message_api
from runtime.store import ConflictError, Store
from tests.support.requests import EMAIL, RCS, SMS, WHATSAPP, request
from tests.support.runtime_world import CONTEXT

DOCUMENTED = {
    "use_case": "fallback",
    "fallback_seconds": "60",
    "pc": {
        "channel": "WhatsApp",
        "sender": "+12065550100",
        "recipient": "+14255550156",
        "whatsapp": {"message": "Your one-time password (OTP) for Nutrition.co is 123456."},
    },
    "fc": {
        "channel": "SMS",
        "sender": "pool-0123456789abcdef0123456789abcdef",
        "recipient": "+14255550156",
        "email": {"subject": "", "text": "", "html": "", "template": "", "configuration_set": ""},
        "sms": {
            "message": "Your one-time password (OTP) for Nutrition.co is 123456.",
            "message_type": "TRANSACTIONAL",
            "configuration_set": "sms-config-set",
        },
    },
}


def faults(answer) -> dict[str, str]:
    assert answer.status == 400, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    return {fault["pointer"]: fault["rule"] for fault in answer.body["errors"]}


def test_the_documented_payload_is_taken_unchanged(world, monkeypatch) -> None:
    monkeypatch.setenv("SMS_CONFIGURATION_SET", "sms-config-set")
    monkeypatch.setenv("WHATSAPP_PHONE_NUMBERS", '{"+12065550100": "phone-number-id-1"}')
    answer = world.post(DOCUMENTED)
    assert answer.status == 202
    message_id = answer.body["message_id"]
    assert answer.body == {
        "message": "Message sent to the queue",
        "message_id": message_id,
        "status_url": "https://abc.execute-api.us-east-1.amazonaws.com/dev/messages/" + message_id,
    }
    assert [item["body"] for item in world.queued("intake")] == [{"message_id": message_id}]
    document = world.document(message_id)
    assert [step["channel"] for step in document["steps"]] == ["whatsapp", "sms"]
    assert document["steps"][0]["fallback_seconds"] == 60


@pytest.mark.parametrize("use_case", ["broadcast", "blast"])
def test_broadcast_and_its_synonym_are_taken(world, use_case) -> None:
    message_id = world.accept(request(use_case=use_case))
    assert world.document(message_id)["use_case"] == "broadcast"


@pytest.mark.parametrize(
    ("given", "stored"),
    [(None, 300), (0, 0), ("0", 0), (86_400, 86_400), ("86400", 86_400), (1.5, 2)],
)
def test_waits_may_be_numbers_or_numeric_strings_or_left_out(world, given, stored) -> None:
    body = request()
    del body["fallback_seconds"]
    message_id = world.accept(body if given is None else body | {"fallback_seconds": given})
    assert world.document(message_id)["steps"][0]["fallback_seconds"] == stored


def test_a_chain_may_have_its_own_waits_and_success_statuses(world) -> None:
    body = request(
        WHATSAPP | {"fallback_seconds": "5", "success_status": "read"},
        SMS | {"fallback_seconds": 7, "success_status": "sent"},
        EMAIL,
    )
    steps = world.document(world.accept(body))["steps"]
    assert [step["fallback_seconds"] for step in steps] == [5, 7, 60]
    assert [step["success_status"] for step in steps] == ["read", "sent", "delivered"]


def test_every_fault_is_reported_at_once_with_its_place(world) -> None:
    body = {
        "use_case": "fallbak",
        "fallback_seconds": 86_401,
        "extra": 1,
        "pc": EMAIL | {"recipient": "ann", "email": {"subject": "a\r\nBcc: x@y.zz"}},
        "fc": [
            SMS | {"recipient": "4255550156", "sms": {"mesage": "x"}},
            {"channel": "fax", "sender": "x", "recipient": "y"},
            WHATSAPP | {"sender": "x"},
            {"channel": "sms", "sender": "x", "recipient": "+14255550156"},
        ],
    }
    assert faults(world.post(body)) == {
        "/use_case": "enum",
        "/fallback_seconds": "maximum",
        "/extra": "additionalProperties",
        "/pc/recipient": "pattern",
        "/pc/email": "anyOf",
        "/pc/email/subject": "pattern",
        "/fc/0/recipient": "pattern",
        "/fc/0/sms/mesage": "additionalProperties",
        "/fc/0/sms/message": "required",
        "/fc/1/channel": "pattern",
        "/fc/2/sender": "pattern",
        "/fc/3/sms": "required",
    }
    assert not world.queued("intake")


def test_a_fault_never_repeats_the_value(world) -> None:
    body = request(EMAIL | {"recipient": "secret-address"}, SMS | {"recipient": "secret-number"})
    answer = world.post(body)
    assert answer.status == 400
    assert "secret" not in json.dumps(answer.body)


def test_an_unknown_field_names_the_nearest_known_one(world) -> None:
    answer = world.post(request(EMAIL | {"email": EMAIL["email"] | {"Subjct": "x"}}, SMS))
    detail = answer.body["errors"][0]["detail"]
    assert detail == "is not known; the nearest known name is subject"


@pytest.mark.parametrize(
    ("step", "pointer"),
    [
        (EMAIL | {"sender": "a@b.cc\nBcc: x@y.zz"}, "/pc/sender"),
        (EMAIL | {"sender": "Shop <shop@example.com"}, "/pc/sender"),
        (EMAIL | {"recipient": "a@example.com\n"}, "/pc/recipient"),
        (EMAIL | {"recipient": "Ann <ann@example.org>"}, "/pc/recipient"),
        (SMS | {"recipient": "+0123456789"}, "/pc/recipient"),
        (SMS | {"recipient": "+1425555015\uff16"}, "/pc/recipient"),
        (SMS | {"sms": {"message": "x" * 1601}}, "/pc/sms/message"),
        (SMS | {"sms": {"message": " \n"}}, "/pc/sms/message"),
        (SMS | {"fallback_seconds": "soon"}, "/pc/fallback_seconds"),
        (SMS | {"fallback_seconds": True}, "/pc/fallback_seconds"),
        (SMS | {"fallback_seconds": -1}, "/pc/fallback_seconds"),
        (SMS | {"success_status": "read"}, "/pc/success_status"),
        (EMAIL | {"success_status": "failed"}, "/pc/success_status"),
    ],
)
def test_a_bad_value_is_refused_in_its_place(world, step, pointer) -> None:
    assert list(faults(world.post(request(step, SMS)))) == [pointer]


def test_a_mail_without_a_template_needs_a_subject(world) -> None:
    step = EMAIL | {"email": {"subject": "", "text": "hi"}}
    assert faults(world.post(request(step, SMS))) == {"/pc/email/subject": "minLength"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (request() | {"fc": [0] * 80_000}, "/fc"),
        (request(EMAIL | {"email": EMAIL["email"] | {"cc": ["a"] * 50_000}}, SMS), "/pc/email/cc"),
        (request() | {f"field {n}": 1 for n in range(9_000)}, "/field 0"),
    ],
    ids=["steps", "copies", "fields"],
)
def test_a_request_with_countless_faults_is_answered_with_the_first_hundred(
    world, body, pointer
) -> None:
    answer = world.post(body)
    assert answer.status == 400
    assert 1 <= len(answer.body["errors"]) <= 100
    assert answer.body["errors"][0]["pointer"] == pointer


def test_a_pointer_names_members_with_dots_and_brackets(world) -> None:
    email = EMAIL["email"] | {"headers": {"X.Y[z": "é", "X": "é"}}
    places = faults(world.post(request(EMAIL | {"email": email}, SMS)))
    assert list(places) == ["/pc/email/headers/X", "/pc/email/headers/X.Y[z"]


def test_content_that_is_sent_several_times_is_stored_once(world) -> None:
    noise = base64.b64encode(random.Random(1).randbytes(130_000)).decode()
    email = EMAIL["email"] | {"attachments": [{"file_name": "a", "content": noise}]}
    body = request(EMAIL | {"email": email}, SMS, on_failure={"unreachable": "retry"})
    message_id = world.accept(body)
    assert len(world.document(message_id)["steps"]) == 6
    key = {"message_id": {"S": message_id}}
    item = world.dynamodb.get_item(TableName="payloads", Key=key)["Item"]
    assert len(item["content"]["B"]) < 200_000


@pytest.mark.parametrize("length", [1, 1600])
def test_a_text_may_have_up_to_1600_characters(world, length) -> None:
    world.accept(request(SMS | {"sms": {"message": "é" * length}}, EMAIL))


@pytest.mark.parametrize("fc", [[], [SMS] * 6])
def test_a_chain_has_one_to_five_fallbacks(world, fc) -> None:
    assert list(faults(world.post(request() | {"fc": fc}))) == ["/fc"]


def test_five_fallbacks_are_taken(world) -> None:
    assert len(world.document(world.accept(request(EMAIL, *[SMS] * 5)))["steps"]) == 6


@pytest.mark.parametrize(
    "raw",
    ["", " ", "{", "[1,]", '{"a": NaN}', '{"a": 1e999}', "[" * 9999, '"\ud800"'],
    ids=["empty", "blank", "cut", "comma", "nan", "infinite", "deep", "surrogate"],
)
def test_what_is_no_json_text_is_refused(world, raw) -> None:
    assert faults(world.call("POST", "/messages", raw=raw)) == {"": "json"}


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", "empty"),
        (b'{"a": 1,\n  "b": }', "line 2, column 8"),
        (b'{"a": "caf\xe9"}', "byte 11"),
        (b"\xff\xfe{\x00}\x00", "byte 1"),
        (b'{"a": -Infinity}', "-Infinity"),
    ],
)
def test_a_body_that_cannot_be_read_says_where(world, raw, place) -> None:
    body = base64.b64encode(raw).decode()
    (fault,) = world.call("POST", "/messages", raw=body, is_base64=True).body["errors"]
    assert place in fault["detail"]


def test_a_byte_order_mark_is_read_over(world) -> None:
    raw = base64.b64encode(b"\xef\xbb\xbf" + json.dumps(request()).encode()).decode()
    assert world.call("POST", "/messages", raw=raw, is_base64=True).status == 202


@pytest.mark.parametrize(
    ("old", "new", "pointers"),
    [
        (
            '"use_case": "fallback"',
            '"use_case": "broadcast", "use_case": "fallback"',
            ["/use_case"],
        ),
        ('"pc": {', '"pc": {}, "pc": {', ["/pc"]),
        ('"subject": ', '"subject": "x", "subject": ', ["/pc/email/subject"]),
        (
            '"fc": {',
            '"fc": [{"a": {"b/c": 1, "b/c": 1}}], "fc": {"x": 1, "x": 2, ',
            ["/fc", "/fc/x"],
        ),
    ],
)
def test_a_name_that_stands_twice_is_refused_in_its_place(world, old, new, pointers) -> None:
    raw = json.dumps(request()).replace(old, new)
    answer = world.call("POST", "/messages", raw=raw)
    assert faults(answer) == dict.fromkeys(pointers, "uniqueMembers")
    assert not world.queued("intake")


def test_equal_members_of_two_objects_are_no_repetition(world) -> None:
    step = EMAIL | {"email": EMAIL["email"] | {"headers": {"X-A": "1"}}}
    world.accept(request(step, step, step))


@pytest.mark.parametrize("raw", ["[]", "1", "null", '"text"'])
def test_json_that_is_no_object_is_refused(world, raw) -> None:
    assert faults(world.call("POST", "/messages", raw=raw)) == {"": "type"}


def test_a_base64_body_is_read_as_bytes(world) -> None:
    raw = base64.b64encode(json.dumps(request()).encode()).decode()
    assert world.call("POST", "/messages", raw=raw, is_base64=True).status == 202
    raw = base64.b64encode(b'{"a": "\xff"}').decode()
    assert world.call("POST", "/messages", raw=raw, is_base64=True).status == 400


def test_256_kilobytes_are_the_limit(world) -> None:
    body = request(EMAIL | {"email": {"subject": "s", "text": ""}}, SMS)
    room = 262_144 - len(json.dumps(body))
    body["pc"]["email"]["text"] = "x" * room
    assert world.post(body).status == 202
    body["pc"]["email"]["text"] += "x"
    answer = world.post(body)
    assert answer.status == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_same_key_and_body_are_one_message(world) -> None:
    first, second = world.post(request(), key="k1"), world.post(request(), key="k1")
    assert (second.status, second.body) == (202, first.body)
    message_id = first.body["message_id"]
    world.start(message_id)
    assert world.post(request(), key="k1").body == first.body
    assert len(world.providers["email"].requests) == 1


def test_a_repeat_after_the_start_queues_nothing_more(world) -> None:
    message_id = world.accept(request(), key="k1")
    world.start(message_id)
    world.queued("intake")
    world.post(request(), key="k1")
    assert not world.queued("intake")


def test_the_same_key_with_another_body_is_refused(world) -> None:
    world.accept(request(), key="k1")
    answer = world.post(request(fallback_seconds=61), key="k1")
    assert answer.status == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_order_of_members_does_not_make_another_body(world) -> None:
    body = request()
    first = world.accept(body, key="k1")
    assert world.accept(dict(reversed(body.items())), key="k1") == first


def test_the_keys_of_two_callers_do_not_collide(world) -> None:
    first = world.accept(request(), key="k1", client="client-a")
    assert world.accept(request(fallback_seconds=1), key="k1", client="client-b") != first


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("assumed-role/Api/task-1", "assumed-role/Api/task-2", True),
        ("assumed-role/Api/task-1", "assumed-role/Other/task-1", False),
        ("user/ann", "user/bob", False),
    ],
)
def test_a_role_is_one_caller_in_all_its_sessions(world, first, second, same) -> None:
    ids = {
        world.accept(request(), key="k", client="", arn=f"arn:aws:sts::123456789012:{who}")
        for who in (first, second)
    }
    assert (len(ids) == 1) is same


def test_callers_and_keys_are_not_run_together(world) -> None:
    first = world.accept(request(), key="bc", client="a")
    assert world.accept(request(), key="c", client="ab") != first


@pytest.mark.parametrize("key", ["", "x" * 129, "tab\there"])
def test_a_bad_key_is_refused(world, key) -> None:
    assert faults(world.post(request(), key=key)) == {"": "idempotencyKey"}


def test_without_a_key_two_requests_are_two_messages(world) -> None:
    assert world.accept(request()) != world.accept(request())


def unavailable(*_args, **_kwargs) -> None:
    raise ReadTimeoutError(endpoint_url="https://sqs")


def test_a_queue_that_cannot_take_it_is_a_503_and_the_retry_completes_it(
    world, monkeypatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(data_client("sqs"), "send_message", unavailable)
        answer = world.post(request(), key="k1")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert answer.headers["Content-Type"] == "application/problem+json"
    message_id = world.accept(request(), key="k1")
    assert [item["body"] for item in world.queued("intake")] == [{"message_id": message_id}]
    world.start(message_id)
    assert len(world.providers["email"].requests) == 1


def test_a_message_that_nobody_can_ask_for_again_is_taken_back(world, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(data_client("sqs"), "send_message", unavailable)
        assert world.post(request()).status == 503
    (row,) = world.dynamodb.scan(TableName="messages")["Items"]
    message_id = row["message_id"]["S"]
    assert world.document(message_id)["status"] == "cancelled"
    assert not world.has_content(message_id)
    world.start(message_id)
    assert not world.providers["email"].requests


def test_a_table_that_cannot_take_it_is_a_503_and_leaves_nothing(world, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(data_client("dynamodb"), "transact_write_items", unavailable)
        assert world.post(request(), key="k1").status == 503
    assert not world.queued("intake")
    assert world.dynamodb.scan(TableName="messages")["Count"] == 0


def test_the_row_holds_no_content_and_no_address(world) -> None:
    message_id = world.accept(request())
    row = json.dumps(world.row(message_id))
    for private in ("ann@example.org", "shop@example.com", "4255550156", "123456", "Your code"):
        assert private not in row
    assert len(row) < 1500


def test_content_has_a_time_to_live_as_a_backstop(world) -> None:
    message_id = world.accept(request())
    key = {"message_id": {"S": message_id}}
    item = world.dynamodb.get_item(TableName="payloads", Key=key)["Item"]
    assert int(item["expires_at"]["N"]) == world.now // 1000 + 60 + 3600 + 14 * 86_400


@pytest.mark.parametrize("message_id", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_message_is_a_404(world, message_id) -> None:
    for answer in (world.call("GET", f"/messages/{message_id}"), world.cancel(message_id)):
        assert answer.status == 404
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_cancel_before_the_start_stops_everything(world) -> None:
    message_id = world.accept(request())
    answer = world.cancel(message_id)
    assert (answer.status, answer.body["status"]) == (200, "cancelled")
    world.start(message_id)
    assert not world.providers["email"].requests
    assert not world.has_content(message_id)


def test_a_cancel_during_the_wait_stops_the_fallback(world) -> None:
    message_id = world.accept(request())
    world.start(message_id)
    (timer,) = world.queued("timers")
    assert world.cancel(message_id).body["status"] == "cancelled"
    assert world.cancel(message_id).status == 200
    world.now += 60_000
    world.fire(timer["body"])
    assert not world.providers["sms"].requests


def test_a_cancel_when_everything_is_sent_is_a_conflict(world) -> None:
    message_id = world.accept(request(use_case="broadcast"))
    world.start_all(message_id)
    answer = world.cancel(message_id)
    assert answer.status == 409
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_logs_and_metrics_name_nobody(world, capsys, caplog) -> None:
    message_id = world.accept(request(), key="k1")
    world.start(message_id)
    world.post(request(EMAIL | {"recipient": "bob"}, SMS))
    printed = capsys.readouterr().out + caplog.text
    assert "MessagesAccepted" in printed
    assert "message accepted" in printed
    for private in ("ann@", "bob", "shop@", "5550156", "123456", "Your code"):
        assert private not in printed


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/messages"), ("POST", "/messages/a"), ("POST", "/messages/a/b")],
)
def test_what_the_api_does_not_have_is_a_404(world, method, path) -> None:
    assert world.call(method, path).status == 404


def test_a_header_is_found_in_any_letter_case(world) -> None:
    first = world.call("POST", "/messages", request(), headers={"idempotency-KEY": "k"})
    assert world.post(request(), key="k").body == first.body


@pytest.mark.parametrize(
    ("step", "pointer"),
    [
        (SMS | {"sms": {"media_urls": ["https://x.example/a.png"]}}, "/pc/sms/media_urls/0"),
        (SMS | {"sms": {"media_urls": ["s3://bkt/a"], "message_type": "PROMOTIONAL"}}, "/pc/sms"),
        (SMS | {"sms": SMS["sms"] | {"max_price": "5"}}, "/pc/sms/max_price"),
        (SMS | {"sms": SMS["sms"] | {"time_to_live_seconds": 4}}, "/pc/sms/time_to_live_seconds"),
        (
            SMS | {"sms": SMS["sms"] | {"country_parameters": {"entity_id": "a b"}}},
            "/pc/sms/country_parameters/entity_id",
        ),
        (WHATSAPP | {"whatsapp": {}}, "/pc/whatsapp"),
        (WHATSAPP | {"whatsapp": {"message": "x", "image": {"id": "1"}}}, "/pc/whatsapp"),
        (WHATSAPP | {"whatsapp": {"image": {"caption": "x"}}}, "/pc/whatsapp/image"),
        (
            WHATSAPP | {"whatsapp": {"template": {"name": "A b", "language": "de"}}},
            "/pc/whatsapp/template/name",
        ),
        (
            WHATSAPP | {"whatsapp": {"template": {"name": "a", "language": "german"}}},
            "/pc/whatsapp/template/language",
        ),
        (RCS | {"rcs": {"message": "x", "file": {"url": "https://x.example/a"}}}, "/pc/rcs"),
        (RCS | {"rcs": {"content": {"Content": {}}}}, "/pc/rcs/content/Content"),
        (EMAIL | {"email": EMAIL["email"] | {"cc": []}}, "/pc/email/cc"),
        (EMAIL | {"email": EMAIL["email"] | {"reply_to": "x"}}, "/pc/email/reply_to"),
        (
            EMAIL
            | {"email": EMAIL["email"] | {"attachments": [{"file_name": "a", "content": "%"}]}},
            "/pc/email/attachments/0/content",
        ),
    ],
)
def test_a_channels_own_rules_hold(world, step, pointer) -> None:
    assert set(faults(world.post(request(step, SMS)))) == {pointer}


def test_a_custom_domain_may_have_a_path_of_its_own(world) -> None:
    event = {
        "httpMethod": "GET",
        "path": "/notify/messages/unknown",
        "resource": "/messages/{message_id}",
        "pathParameters": {"message_id": "unknown"},
        "headers": {},
        "multiValueHeaders": {},
        "requestContext": {"path": "/notify/messages/unknown", "identity": {}},
        "body": None,
        "isBase64Encoded": False,
    }
    answer = message_api.handler(event, CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (404, 404)
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]


def test_an_id_that_no_route_takes_is_not_found_either(world) -> None:
    answer = world.call("GET", "/messages/a/b")
    assert (answer.status, answer.body["status"]) == (404, 404)


def test_a_row_that_is_in_conflict_all_the_time_is_a_503(world, monkeypatch) -> None:
    message_id = world.accept(request())

    def conflict(*_: object) -> None:
        raise ConflictError(message_id)

    monkeypatch.setattr(Store, "save_and_delete_content", conflict)
    answer = world.cancel(message_id)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
