"""What a stack's parameters forbid."""

import hashlib
import json

import pytest

from runtime.handlers import message_api
from runtime.store import Store
from tests.support.events import ses, sms
from tests.support.requests import EMAIL, RCS, SMS, WHATSAPP, request
from tests.support.runtime_world import ENVIRONMENT, client_error

LIMIT = "messagesPerRecipientPerHour"


def allow(monkeypatch, **parameters) -> None:
    for name, value in parameters.items():
        text = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv(name.upper(), text)


READ = {"success_status": "read"}


def test_a_mail_cannot_wait_to_be_read_where_nothing_says_that_it_is(world, monkeypatch) -> None:
    allow(monkeypatch, mail_may_be_read=False, allowed_configuration_sets=["theirs"])
    answer = world.post(request(SMS, EMAIL | READ, WHATSAPP | READ))
    assert refused(answer, 400) == [("/fc/0/success_status", "sesEngagementEvents")]
    assert not world.queued("intake")
    assert refused(world.post(request(EMAIL | READ, SMS)), 400)[0][0] == "/pc/success_status"
    own_set = {"email": EMAIL["email"] | {"configuration_set": "theirs"}}
    world.accept(request(EMAIL | READ | own_set, SMS))


def test_a_mail_may_wait_to_be_read_where_it_is_tracked(world, monkeypatch) -> None:
    allow(monkeypatch, mail_may_be_read=True)
    world.accept(request(EMAIL | READ, SMS))


def refused(answer, status=403) -> list[tuple[str, str]]:
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    return [(fault["pointer"], fault["rule"]) for fault in answer.body.get("errors", [])]


def rows(world) -> list[dict]:
    return list(world.dynamodb.scan(TableName="messages")["Items"])


def test_without_guards_everything_may_be_sent(world) -> None:
    world.accept(request(EMAIL, SMS, WHATSAPP))


def test_a_sender_that_is_not_allowed_is_refused_with_its_place(world, monkeypatch) -> None:
    allow(monkeypatch, allowed_senders=["@example.com"])
    assert refused(world.post(request())) == [("/fc/sender", "allowedSenders")]
    body = request(SMS, EMAIL, WHATSAPP)
    answer = world.post(body)
    assert refused(answer) == [("/pc/sender", "allowedSenders"), ("/fc/1/sender", "allowedSenders")]
    assert SMS["sender"] not in json.dumps(answer.body)
    assert not world.queued("intake")


@pytest.mark.parametrize(
    ("sender", "taken"),
    [
        ("shop@example.com", True),
        ("Shop <SHOP@Example.COM>", True),
        ("shop@sub.example.com", False),
        ("shop@example.com.evil.org", False),
        ("shop@example.org", False),
        ('"shop@example.com" <evil@example.org>', False),
    ],
)
def test_a_domain_allows_its_own_addresses(world, monkeypatch, sender, taken) -> None:
    allow(monkeypatch, allowed_senders=["@example.com", SMS["sender"]])
    answer = world.post(request(EMAIL | {"sender": sender}, SMS))
    assert answer.status == (202 if taken else 403), answer


def test_countries_that_are_not_served_are_refused(world, monkeypatch) -> None:
    allow(monkeypatch, allowed_country_prefixes=["+49", "+1"])
    world.accept(request(EMAIL, SMS))
    far = {"recipient": "+8821234567890"}
    answer = world.post(request(SMS | far, WHATSAPP | far))
    assert refused(answer) == [
        ("/pc/recipient", "allowedCountryPrefixes"),
        ("/fc/recipient", "allowedCountryPrefixes"),
    ]


def test_a_recipient_gets_so_many_messages_an_hour(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="2")
    world.accept(request(), key="a")
    world.accept(request(), key="b")
    answer = world.post(request(), key="c")
    assert refused(answer, 429) == [("/pc/recipient", LIMIT)]
    assert answer.headers["Retry-After"] == "3600"
    world.accept(request(EMAIL | {"recipient": "bob@example.org"}, SMS))
    world.now += 3_600_000
    world.accept(request(), key="c")


@pytest.mark.parametrize("further", [[SMS], [EMAIL, SMS]])
def test_every_step_of_a_broadcast_counts(world, monkeypatch, further) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    body = request(SMS, EMAIL, use_case="broadcast")
    body["fc"] = further
    place = f"/fc/{len(further) - 1}/recipient"
    assert refused(world.post(body), 429) == [(place, LIMIT)]
    # Nothing of what was refused is counted.
    assert not any("counted" in row for row in rows(world))
    world.accept(request(SMS, EMAIL, use_case="broadcast"))
    assert refused(world.post(request(WHATSAPP, SMS, use_case="blast")), 429) == [
        ("/fc/recipient", LIMIT)
    ]


def test_a_fallback_that_is_not_sent_uses_up_nothing(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    for number in range(3):
        world.accept(request(EMAIL | {"recipient": f"ann{number}@example.org"}, SMS))
    world.accept(request(SMS, EMAIL))


def fall_back(world, recipient: str, *further) -> str:
    """Accept a chain, let its mail bounce, and send what that starts."""
    steps = (EMAIL | {"recipient": recipient}, *(further or (SMS,)))
    message_id = world.accept(request(*steps))
    world.start(message_id)
    world.queued("timers")
    world.normalize(ses("Bounce", message_id, 0))
    world.fire(*[timer["body"] for timer in world.queued("timers")])
    return message_id


def test_a_fallback_over_the_limit_is_not_sent_and_the_chain_goes_on(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    assert world.document(fall_back(world, "a@example.org"))["steps"][1]["status"] == "accepted"
    message_id = fall_back(world, "b@example.org", SMS, RCS)
    texts = world.providers["sms"].requests
    assert len(texts) == 1
    failure = world.document(message_id)["steps"][1]["failure"]
    assert failure == {"class": "throttled", "reason": LIMIT, "permanent": None}
    world.fire(*[timer["body"] for timer in world.queued("timers")])
    assert [sent["DestinationPhoneNumber"] for sent in texts] == [
        SMS["recipient"],
        RCS["recipient"],
    ]


def test_a_retry_counts_as_it_is_sent(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    body = request(SMS, EMAIL, on_failure={"unreachable": "retry"})
    message_id = world.accept(body)
    world.start(message_id)
    world.queued("timers")
    world.normalize(sms("TEXT_UNREACHABLE", message_id, 0, final=True))
    world.now += 5_000
    world.fire(*[timer["body"] for timer in world.queued("timers")])
    assert len(world.providers["sms"].requests) == 1
    assert world.document(message_id)["steps"][1]["failure"]["reason"] == LIMIT


def test_a_step_that_is_tried_again_is_counted_once(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    world.providers["sms"].answers = [client_error("ThrottlingException")] * 2
    message_id = fall_back(world, "a@example.org")
    for _ in range(2):
        timers = [timer["body"] for timer in world.queued("timers")]
        world.now += 70_000
        world.fire(*timers)
    assert len(world.providers["sms"].requests) == 1
    assert world.document(message_id)["steps"][1]["status"] == "accepted"


def test_a_count_that_fails_costs_no_step(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    count = Store.count_recipient
    failing = iter([True])

    def fail_once(self, *arguments):
        if arguments[2].endswith(":1") and next(failing, False):
            raise client_error("InternalServerError", 500)
        return count(self, *arguments)

    monkeypatch.setattr(Store, "count_recipient", fail_once)
    message_id = world.accept(request(EMAIL, SMS))
    world.start(message_id)
    (timer,) = world.queued("timers")
    world.now = timer["body"]["due_at"]
    assert world.fire(timer["body"])["batchItemFailures"]
    world.fire(timer["body"])
    assert len(world.providers["sms"].requests) == 1


def test_a_repeat_is_not_counted_again(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    first = world.accept(request(), key="a")
    assert world.accept(request(), key="a") == first
    world.now += 3_600_000
    world.accept(request(), key="b")
    assert world.accept(request(), key="a") == first


def test_a_recipient_counts_in_any_letter_case(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    world.accept(request(EMAIL, SMS))
    upper = EMAIL | {"recipient": EMAIL["recipient"].upper()}
    assert world.post(request(upper, SMS)).status == 429


@pytest.mark.parametrize("name", ["cc", "bcc"])
def test_a_copy_counts_like_a_message_of_its_own(world, monkeypatch, name) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    copied = EMAIL | {"email": EMAIL["email"] | {name: ["bob@example.org", "Eve@example.org"]}}
    world.accept(request(copied, SMS))
    other = {"recipient": "carl@example.org"}
    to_eve = EMAIL | {"recipient": "eve@example.org"}
    assert world.post(request(to_eve, to_eve)).status == 429
    assert refused(world.post(request(copied | other, SMS)), 429) == [
        (f"/pc/email/{name}/0", LIMIT),
        (f"/pc/email/{name}/1", LIMIT),
    ]
    world.accept(
        request(EMAIL | {"recipient": "dora@example.org"}, SMS | {"recipient": "+14255550199"})
    )


def test_every_address_of_a_mail_with_many_copies_counts_once(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    copies = [f"ann{number}@example.org" for number in range(49)]
    step = EMAIL | {"email": EMAIL["email"] | {"cc": copies[:30], "bcc": copies[30:]}}
    key = world.accept(request(step, step), key="k")
    rows = world.dynamodb.scan(TableName="messages")["Items"]
    assert len(rows) == 1 + 50
    assert world.accept(request(step, step), key="k") == key
    last = EMAIL | {"recipient": copies[-1]}
    assert world.post(request(last, last)).status == 429


def test_a_counter_says_nothing_about_whom_it_counts(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    message_id = world.accept(request(SMS, EMAIL))
    (counter,) = (row["message_id"]["S"] for row in rows(world) if "counted" in row)
    assert "5550156" not in str(rows(world))
    # Every number can be tried, but not without the secret.
    plain = hashlib.sha256(SMS["recipient"].encode()).hexdigest()
    assert plain[:16] not in counter
    assert world.call("GET", f"/messages/{counter}").status == 404
    world.now += 1
    allow(monkeypatch, digest_key="another")
    message_api.acceptor.cache_clear()
    assert world.accept(request(SMS, EMAIL)) != message_id


def priced(step: dict, price: str) -> dict:
    channel = step["channel"]
    return step | {channel: step[channel] | {"max_price": price}}


MMS = SMS | {"sms": {"media_urls": ["s3://bucket/a.png"]}}


@pytest.mark.parametrize("step", [SMS, MMS, RCS], ids=["sms", "mms", "rcs"])
def test_a_price_above_the_stacks_is_refused(world, monkeypatch, step) -> None:
    allow(monkeypatch, sms_max_price="0.05")
    for price in ("0.051", ".06", "99.99", "10.0"):
        answer = world.post(request(priced(step, price), EMAIL))
        assert refused(answer) == [(f"/pc/{step['channel']}/max_price", "smsMaxPrice")]
        assert "0.05" in answer.body["errors"][0]["detail"]
    for price in (None, "0.05", "00.050", "0.02", ".02"):
        world.start(world.accept(request(priced(step, price) if price else step, EMAIL)))
    sent = [request["MaxPrice"] for request in world.providers["sms"].requests]
    assert sent == ["0.05", "0.05", "00.050", "0.02", ".02"]


@pytest.mark.parametrize("step", [SMS, MMS, RCS], ids=["sms", "mms", "rcs"])
def test_a_price_that_was_taken_before_the_cap_is_sent_below_it(world, monkeypatch, step) -> None:
    message_id = world.accept(request(priced(step, "10.0"), EMAIL))
    allow(monkeypatch, sms_max_price="9.5")
    world.start(message_id)
    assert world.providers["sms"].requests[0]["MaxPrice"] == "9.5"


@pytest.mark.parametrize("step", [EMAIL, SMS, RCS], ids=["email", "sms", "rcs"])
def test_events_go_where_the_stack_says(world, monkeypatch, step) -> None:
    channel = step["channel"]

    def named(name: str) -> dict:
        return step | {channel: step[channel] | {"configuration_set": name}}

    own = "ses-set" if channel == "email" else "sms-set"
    others = "sms-set" if channel == "email" else "ses-set"
    world.accept(request(named(own), named("")))
    for name in ("elsewhere", others, own.upper()):
        assert refused(world.post(request(SMS, named(name)))) == [
            (f"/fc/{channel}/configuration_set", "allowedConfigurationSets")
        ]
    allow(monkeypatch, allowed_configuration_sets=["elsewhere"])
    message_api.acceptor.cache_clear()
    world.accept(request(named("elsewhere"), named(own)))
    assert world.post(request(named("elsewher"), SMS)).status == 403


@pytest.mark.parametrize("step", [SMS, MMS, RCS], ids=["sms", "mms", "rcs"])
def test_a_request_may_not_choose_its_own_protection(world, monkeypatch, step) -> None:
    channel = step["channel"]

    def protected(name: str) -> dict:
        return step | {channel: step[channel] | {"protect_configuration_id": name}}

    assert refused(world.post(request(EMAIL, SMS, protected("protect-1")))) == [
        (f"/fc/1/{channel}/protect_configuration_id", "allowedProtectConfigurations")
    ]
    allow(monkeypatch, allowed_protect_configurations=["protect-1"])
    message_api.acceptor.cache_clear()
    world.start(world.accept(request(protected("protect-1"), EMAIL)))
    assert world.providers["sms"].requests[0]["ProtectConfigurationId"] == "protect-1"
    assert world.post(request(protected("protect-2"), EMAIL)).status == 403


def test_a_whatsapp_number_that_the_stack_does_not_know_is_refused(world, monkeypatch) -> None:
    allow(monkeypatch, whatsapp_phone_numbers={"+12065550100": "phone-number-id-1"})
    unknown = WHATSAPP | {"sender": "+12065550199"}
    body = request(SMS, unknown)
    body["fc"] = [unknown]
    answer = world.post(body)
    assert refused(answer, 400) == [("/fc/0/sender", "whatsAppPhoneNumbers")]
    assert "whatsAppPhoneNumbers" in answer.body["errors"][0]["detail"]
    world.accept(request(WHATSAPP | {"sender": "+12065550100"}, SMS | {"sender": "+12065550199"}))


@pytest.mark.parametrize("shape", ["object", "list"])
def test_pointers_keep_the_shape_of_the_request(world, monkeypatch, shape) -> None:
    allow(monkeypatch, allowed_senders=["@example.com"], messages_per_recipient_per_hour="1")
    body = request(EMAIL, SMS)
    body["fc"] = [SMS] if shape == "list" else SMS
    place = "/fc/0" if shape == "list" else "/fc"
    assert refused(world.post(body)) == [(f"{place}/sender", "allowedSenders")]


@pytest.mark.parametrize(
    "sender",
    [
        "arn:<arn:aws:social-messaging:eu-west-1:123456789012:phone-number-id/a",
        "arn:x<arn:aws:social-messaging:eu-west-1:123456789012:phone-number-id/a",
    ],
)
def test_only_mail_has_senders_in_brackets(world, monkeypatch, sender) -> None:
    allowed = "arn:aws:social-messaging:eu-west-1:123456789012:phone-number-id/a"
    allow(monkeypatch, allowed_senders=[allowed, SMS["sender"]])
    world.accept(request(WHATSAPP | {"sender": allowed}, SMS))
    assert world.post(request(WHATSAPP | {"sender": sender}, SMS)).status in (400, 403)


def test_a_repeat_of_a_request_that_the_last_release_took_is_one(world) -> None:
    message_id = world.accept(request(), key="a")
    row = world.row(message_id)
    keyed = row["request_hash"]["S"]
    canonical = json.dumps(request(), sort_keys=True, separators=(",", ":"))
    plain = hashlib.sha256(canonical.encode()).hexdigest()[:32]
    assert keyed.startswith("hmac:")
    assert plain not in keyed
    world.dynamodb.put_item(TableName="messages", Item=row | {"request_hash": {"S": plain}})
    assert world.accept(request(), key="a") == message_id
    assert world.post(request(fallback_seconds=61), key="a").status == 422
    world.dynamodb.put_item(TableName="messages", Item=row)
    assert world.accept(request(), key="a") == message_id
    assert world.post(request(fallback_seconds=61), key="a").status == 422


def test_the_secret_shows_nowhere(world, monkeypatch, capfd) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    message_id = world.accept(request(), key="a")
    world.start(message_id)
    key = ENVIRONMENT["DIGEST_KEY"]
    assert key not in repr(message_api.acceptor().settings)
    assert key not in str(rows(world)) + "".join(capfd.readouterr())


def test_a_crash_between_count_and_claim_costs_no_step(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    message_id = world.accept(request(EMAIL, SMS))
    world.start(message_id)
    (timer,) = world.queued("timers")
    world.now = timer["body"]["due_at"]
    with monkeypatch.context() as crash:
        crash.setattr(Store, "save", lambda *_: pytest.fail("the process dies here"))
        with pytest.raises(pytest.fail.Exception):
            world.fire(timer["body"])
    assert any(f"{message_id}:1" in str(row.get("counted")) for row in rows(world))
    world.fire(timer["body"])
    assert len(world.providers["sms"].requests) == 1
