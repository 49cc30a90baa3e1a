"""What a stack's parameters forbid."""

import json

import pytest

from tests.support.requests import EMAIL, SMS, WHATSAPP, request


def allow(monkeypatch, **parameters) -> None:
    for name, value in parameters.items():
        text = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv(name.upper(), text)


def refused(answer, status=403) -> list[tuple[str, str]]:
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    return [(fault["pointer"], fault["rule"]) for fault in answer.body.get("errors", [])]


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
    assert refused(answer, 429) == []
    assert answer.headers["Retry-After"] == "3600"
    other = request(EMAIL | {"recipient": "bob@example.org"}, SMS | {"recipient": "+14255550199"})
    world.accept(other)
    world.now += 3_600_000
    world.accept(request(), key="c")


def test_a_repeat_is_not_counted_again(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    first = world.accept(request(), key="a")
    assert world.accept(request(), key="a") == first
    world.now += 3_600_000
    world.accept(request(), key="b")
    assert world.accept(request(), key="a") == first


def test_the_recipient_of_any_step_counts_in_any_letter_case(world, monkeypatch) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    world.accept(request(EMAIL, SMS))
    upper = EMAIL | {"recipient": EMAIL["recipient"].upper()}
    assert world.post(request(upper, upper)).status == 429
    assert world.post(request(SMS, SMS)).status == 429


@pytest.mark.parametrize("name", ["cc", "bcc"])
def test_a_copy_counts_like_a_message_of_its_own(world, monkeypatch, name) -> None:
    allow(monkeypatch, messages_per_recipient_per_hour="1")
    copied = EMAIL | {"email": EMAIL["email"] | {name: ["bob@example.org", "Eve@example.org"]}}
    world.accept(request(copied, SMS))
    other = {"recipient": "carl@example.org"}
    to_eve = EMAIL | {"recipient": "eve@example.org"}
    assert world.post(request(to_eve, to_eve)).status == 429
    assert world.post(request(copied | other, copied | other)).status == 429
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
    message_id = world.accept(request())
    rows = world.dynamodb.scan(TableName="messages")["Items"]
    assert len(rows) == 3
    assert "example.org" not in str(rows)
    assert "5550156" not in str(rows)
    counter = next(row["message_id"]["S"] for row in rows if row["message_id"]["S"] != message_id)
    assert world.call("GET", f"/messages/{counter}").status == 404


def test_a_stack_may_cap_the_price_of_a_text(world, monkeypatch) -> None:
    allow(monkeypatch, sms_max_price="0.05")
    world.start(world.accept(request(SMS, EMAIL)))
    own = SMS | {"sms": SMS["sms"] | {"max_price": "0.02"}}
    world.start(world.accept(request(own, EMAIL)))
    assert [sent["MaxPrice"] for sent in world.providers["sms"].requests] == ["0.05", "0.02"]
