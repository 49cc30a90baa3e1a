"""The normalizer: batches, coalescing, conflicts, poison, and the join of WhatsApp's ids."""

from itertools import permutations

import pytest

from runtime import sending
from runtime.clients import data_client
from runtime.handlers import normalize_events
from tests.support.events import ses, sms, whatsapp
from tests.support.requests import EMAIL, RCS, SMS, WHATSAPP, request
from tests.support.runtime_world import CONTEXT

DONE = {"batchItemFailures": []}


def start(world, *steps, **more) -> str:
    message_id = world.accept(request(*steps, **more))
    world.start(message_id)
    world.queued("timers")
    return message_id


@pytest.fixture
def written(world, monkeypatch) -> list[int]:
    """The number of rows of each batch of writes."""
    sizes: list[int] = []
    client = data_client("dynamodb")
    execute = client.batch_execute_statement

    def batch(Statements):  # noqa: N803
        if Statements[0]["Statement"].startswith("UPDATE"):
            sizes.append(len(Statements))
        return execute(Statements=Statements)

    monkeypatch.setattr(client, "batch_execute_statement", batch)
    return sizes


def test_a_delivery_is_recorded_and_the_content_deleted(world) -> None:
    message_id = start(world)
    assert world.normalize(ses("Delivery", message_id, 0)) == DONE
    document = world.document(message_id)
    assert document["status"] == "delivered"
    assert document["steps"][0]["times"]["delivered"] == "2027-01-15T08:00:05.000Z"
    assert document["next_timer_at"] is None
    assert not world.has_content(message_id)


def test_all_events_of_a_message_in_a_batch_are_one_write(world, written) -> None:
    ids = [start(world) for _ in range(3)]
    events = [
        ses(kind, message_id, 0)
        for kind in ("Send", "Delivery", "Click", "Send")
        for message_id in ids
    ]
    assert world.normalize(*events) == DONE
    assert written == [3]
    assert {world.document(message_id)["status"] for message_id in ids} == {"read"}


def test_rows_are_written_25_a_call(world, written) -> None:
    ids = [start(world) for _ in range(60)]
    world.normalize(*[ses("Delivery", message_id, 0) for message_id in ids])
    assert sorted(written) == [10, 25, 25]


def test_events_that_change_nothing_write_nothing(world, written) -> None:
    message_id = start(world)
    world.normalize(ses("Delivery", message_id, 0))
    written.clear()
    world.normalize(ses("Delivery", message_id, 0), ses("Send", message_id, 0))
    world.normalize(ses("Send", message_id, 0))
    assert sum(written) == 1  # `sent` has a time of its own, the rest is known


@pytest.mark.parametrize("order", list(permutations(["Send", "Delivery", "Click"])))
def test_the_order_of_events_does_not_matter(world, order) -> None:
    message_id = start(world)
    for kind in order:
        world.normalize(ses(kind, message_id, 0))
    step = world.document(message_id)["steps"][0]
    assert step["status"] == "read"
    assert set(step["times"]) == {"queued", "accepted", "sent", "delivered", "read"}


@pytest.mark.parametrize(
    ("step", "delivered", "read"),
    [
        (EMAIL, lambda id_: ses("Delivery", id_, 0), lambda id_: ses("Click", id_, 0)),
        (
            WHATSAPP,
            lambda id_: whatsapp("delivered", wamid="wamid.A", echo=f"{id_}:0"),
            lambda id_: whatsapp("read", wamid="wamid.A", echo=f"{id_}:0"),
        ),
        (RCS, lambda id_: sms("RCS_DELIVERED", id_, 0), lambda id_: sms("RCS_READ", id_, 0)),
    ],
    ids=["email", "whatsapp", "rcs"],
)
def test_a_step_may_wait_until_it_is_read(world, step, delivered, read) -> None:
    message_id = start(world, step | {"success_status": "read"}, SMS)
    world.normalize(delivered(message_id))
    assert world.document(message_id)["next_timer_at"]
    assert world.has_content(message_id)
    world.normalize(read(message_id))
    document = world.document(message_id)
    assert (document["status"], document["next_timer_at"]) == ("read", None)
    world.now += 60_000
    world.fire({"message_id": message_id, "step": 1, "due_at": world.now})
    assert [sent.get("MessageBody") for sent in world.providers["sms"].requests] in ([], [None])


def test_a_hard_failure_starts_the_fallback_at_once(world) -> None:
    message_id = start(world)
    world.normalize(ses("Bounce", message_id, 0))
    (timer,) = world.queued("timers")
    assert (timer["body"]["step"], timer["delay"]) == (1, 0)
    world.fire(timer["body"])
    assert len(world.providers["sms"].requests) == 1
    document = world.document(message_id)
    assert document["fallback"]["reason"] == "failure"
    assert document["steps"][0]["failure"]["class"] == "invalid_address"


def test_a_failure_seen_again_starts_no_second_fallback(world) -> None:
    message_id = start(world)
    world.normalize(ses("Bounce", message_id, 0))
    world.normalize(ses("Bounce", message_id, 0))
    timers = [timer["body"] for timer in world.queued("timers")]
    for timer in timers:
        world.fire(timer)
    world.normalize(ses("Bounce", message_id, 0))
    assert not world.queued("timers")
    assert len(world.providers["sms"].requests) == 1


def test_a_transient_failure_of_a_text_does_not_end_the_wait(world) -> None:
    message_id = start(world, SMS, EMAIL)
    world.normalize(sms("TEXT_UNREACHABLE", message_id, 0, final=False))
    assert not world.queued("timers")
    assert world.document(message_id)["status"] == "delayed"


def test_a_text_taken_by_the_carrier_counts_as_delivered_only_if_nothing_more_comes(world) -> None:
    message_id = start(world, SMS, EMAIL)
    world.normalize(sms("TEXT_SUCCESSFUL", message_id, 0, final=False))
    assert world.document(message_id)["status"] == "sent"
    world.normalize(sms("TEXT_SUCCESSFUL", message_id, 0, final=True))
    assert world.document(message_id)["status"] == "delivered"


def test_a_stack_may_demand_the_handsets_own_receipt(world, monkeypatch) -> None:
    monkeypatch.setenv("SMS_REQUIRE_HANDSET_RECEIPT", "true")
    message_id = start(world, SMS, EMAIL)
    world.normalize(sms("TEXT_SUCCESSFUL", message_id, 0, final=True))
    assert world.document(message_id)["status"] == "sent"
    world.normalize(sms("TEXT_DELIVERED", message_id, 0, final=True))
    assert world.document(message_id)["status"] == "delivered"


def test_an_event_before_the_providers_answer_is_not_lost(world) -> None:
    message_id = world.accept(request())
    world.providers["email"].answers = [
        lambda: world.normalize(ses("Delivery", message_id, 0)),
    ]
    world.start(message_id)
    step = world.document(message_id)["steps"][0]
    assert (step["status"], step["provider_message_id"]) == ("delivered", "email-1")
    assert not world.has_content(message_id)


def test_a_delivery_after_the_fallback_is_late_and_counted_once(world, capsys) -> None:
    message_id = start(world, fallback_seconds=0)
    world.fire({"message_id": message_id, "step": 1, "due_at": world.now})
    world.normalize(sms("TEXT_DELIVERED", message_id, 1, final=True))
    capsys.readouterr()
    world.normalize(ses("Delivery", message_id, 0))
    world.normalize(ses("Delivery", message_id, 0))
    printed = capsys.readouterr().out
    assert printed.count('"DeliveredLate":[1.0]') == 1
    assert printed.count('"DeliveredTwice":[1.0]') == 1
    document = world.document(message_id)
    assert document["outcome"] == {"delivered_late": True, "delivered_twice": True}
    assert [step["status"] for step in document["steps"]] == ["delivered", "delivered"]
    assert document["steps"][1]["started_because"] == "timeout"


def test_a_poison_record_is_set_aside_and_holds_up_nobody(world, capsys) -> None:
    message_id = start(world)
    answer = world.normalize(b"\xff\x00 ann@example.org", ses("Delivery", message_id, 0))
    assert answer == DONE
    assert world.document(message_id)["status"] == "delivered"
    (entry,) = world.queued("quarantine")
    assert entry["body"]["reason"] == "not JSON"
    assert entry["body"]["sequence_number"]
    assert "ann@" not in str(entry)
    assert '"EventsQuarantined":[1.0]' in capsys.readouterr().out


def test_an_event_broken_inside_is_set_aside(world) -> None:
    world.normalize({"whatsAppWebhookEntry": "{"})
    (entry,) = world.queued("quarantine")
    assert entry["body"]["reason"] == "broken whatsapp event"


def test_a_quarantine_that_does_not_take_it_brings_the_record_back(world, monkeypatch) -> None:
    monkeypatch.setattr(
        data_client("sqs"),
        "send_message_batch",
        lambda **call: {"Failed": [{"Id": entry["Id"]} for entry in call["Entries"]]},
    )
    event = world.kinesis_event("poison")
    number = event["Records"][0]["kinesis"]["sequenceNumber"]
    answer = normalize_events.handler(event, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": number}]}


def test_unknown_events_change_nothing_and_are_counted(world, capsys) -> None:
    message_id = start(world)
    before = world.row(message_id)
    strange = ses("Delivery", message_id, 0) | {"eventType": "Teleported"}
    assert world.normalize(strange, {"a": 1}, "[]") == DONE
    assert world.row(message_id) == before
    printed = capsys.readouterr().out
    assert '"reason":"unknown_event_type","EventsUnknown":[1.0]' in printed
    assert '"reason":"unrecognized","EventsUnknown":[2.0]' in printed


def test_events_of_others_on_the_same_account_are_counted(world, capsys) -> None:
    foreign = ses("Delivery", "job-0001", 0)
    gone = ses("Delivery", "00000000-0000-4000-8000-000000000000", 0)
    assert world.normalize(foreign, gone) == DONE
    assert capsys.readouterr().out.count('"EventsUnmatched":[2.0]') == 1


def test_a_conflict_is_read_and_applied_again(world, monkeypatch) -> None:
    message_id = start(world)
    client = data_client("dynamodb")
    execute = client.batch_execute_statement
    raced = []

    def batch(Statements):  # noqa: N803
        if not raced:
            raced.append(True)
            world.fire({"message_id": message_id, "step": 1, "due_at": world.now})
        return execute(Statements=Statements)

    world.now += 60_000
    monkeypatch.setattr(client, "batch_execute_statement", batch)
    assert world.normalize(ses("Delivery", message_id, 0)) == DONE
    document = world.document(message_id)
    assert [step["status"] for step in document["steps"]] == ["delivered", "accepted"]
    assert document["outcome"]["delivered_late"]


def test_a_row_that_cannot_be_written_brings_its_lowest_record_back(world, monkeypatch) -> None:
    good, bad = start(world), start(world)
    client = data_client("dynamodb")
    execute = client.batch_execute_statement

    def batch(Statements):  # noqa: N803
        answer = execute(
            Statements=[item for item in Statements if {"S": bad} not in item["Parameters"]]
        )
        responses = iter(answer["Responses"])
        return {
            "Responses": [
                {"Error": {"Code": "ThrottlingError"}}
                if {"S": bad} in item["Parameters"]
                else next(responses)
                for item in Statements
            ]
        }

    monkeypatch.setattr(client, "batch_execute_statement", batch)
    event = world.kinesis_event(
        ses("Delivery", good, 0), ses("Send", bad, 0), ses("Delivery", bad, 0)
    )
    answer = normalize_events.handler(event, CONTEXT)
    lowest = event["Records"][1]["kinesis"]["sequenceNumber"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": lowest}]}
    assert world.document(good)["status"] == "delivered"
    monkeypatch.undo()


def test_the_lowest_number_is_found_by_value_and_not_by_letters(world, monkeypatch) -> None:
    monkeypatch.setattr(
        data_client("sqs"),
        "send_message_batch",
        lambda **call: {"Failed": [{"Id": entry["Id"]} for entry in call["Entries"]]},
    )
    event = world.kinesis_event("poison", "poison")
    for record, number in zip(event["Records"], ("100", "99"), strict=True):
        record["kinesis"]["sequenceNumber"] = number
    answer = normalize_events.handler(event, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "99"}]}


def test_a_timer_that_is_refused_brings_the_failure_back(world, monkeypatch) -> None:
    message_id = start(world)
    with monkeypatch.context() as patch:
        patch.setattr(
            data_client("sqs"),
            "send_message_batch",
            lambda **call: {"Failed": [{"Id": entry["Id"]} for entry in call["Entries"]]},
        )
        assert world.normalize(ses("Bounce", message_id, 0)) != DONE
    assert world.normalize(ses("Bounce", message_id, 0)) == DONE
    assert len(world.queued("timers")) == 1


def test_a_delete_that_was_refused_brings_its_record_back(world, monkeypatch) -> None:
    message_id = start(world)
    with monkeypatch.context() as patch:
        patch.setattr(
            normalize_events.normalizer().store.__class__,
            "delete_contents",
            lambda _self, ids: set(ids),
        )
        assert world.normalize(ses("Delivery", message_id, 0)) != DONE
    assert world.has_content(message_id)
    # It may come again together with new events.
    assert world.normalize(ses("Delivery", message_id, 0), ses("Click", message_id, 0)) == DONE
    assert not world.has_content(message_id)


def test_an_ids_strange_type_holds_up_nobody(world) -> None:
    message_id = start(world)
    strange = ses("Send", message_id, 0)
    strange["mail"]["messageId"] = 7
    stranger = ses("Send", message_id, 0)
    stranger["mail"]["messageId"] = ["x"]
    assert world.normalize(strange, stranger, ses("Delivery", message_id, 0)) == DONE
    assert world.document(message_id)["status"] == "delivered"


def test_a_parser_that_fails_quarantines_its_record_alone(world, monkeypatch) -> None:
    message_id = start(world)
    parse = normalize_events.parse_event

    def broken(data, context):
        if b"poison" in data:
            raise TypeError("secret")
        return parse(data, context)

    monkeypatch.setattr(normalize_events, "parse_event", broken)
    assert world.normalize({"poison": 1}, ses("Delivery", message_id, 0)) == DONE
    (entry,) = world.queued("quarantine")
    assert entry["body"]["reason"] == "parser failed: TypeError"
    assert world.document(message_id)["status"] == "delivered"


AWS_ID, WAMID = "00000001", "wamid.HBgLMTQyNTU1NTAxNTcVAgARGBIw"


@pytest.mark.parametrize("order", list(permutations(["send", "accepted", "delivered"])))
def test_whatsapp_events_without_our_id_find_their_message_in_every_order(world, order) -> None:
    message_id = world.accept(request(WHATSAPP, SMS))
    happens = {
        "send": lambda: world.start(message_id),
        "accepted": lambda: world.normalize(whatsapp("accepted", wamid=WAMID, aws_id=AWS_ID)),
        "delivered": lambda: world.normalize(whatsapp("delivered", wamid=WAMID)),
    }
    for name in order:
        happens[name]()
    step = world.document(message_id)["steps"][0]
    assert step["status"] == "delivered"
    assert set(step["times"]) == {"queued", "accepted", "delivered"}
    assert step["provider_message_id"] == AWS_ID
    assert not world.has_content(message_id)


def test_a_whatsapp_status_with_our_id_needs_no_join(world) -> None:
    message_id = start(world, WHATSAPP, SMS)
    world.normalize(whatsapp("read", wamid=WAMID, echo=f"{message_id}:0"))
    assert world.document(message_id)["steps"][0]["status"] == "read"


def test_a_whatsapp_failure_found_by_the_join_starts_the_fallback(world) -> None:
    message_id = start(world, WHATSAPP, SMS)
    world.normalize(whatsapp("failed", aws_id=AWS_ID, code=131026))
    (timer,) = world.queued("timers")
    assert timer["body"]["message_id"] == message_id


def test_a_failure_that_waited_in_the_join_starts_the_fallback(world) -> None:
    message_id = world.accept(request(WHATSAPP, SMS))
    world.normalize(whatsapp("failed", aws_id=AWS_ID, code=131026))
    world.start(message_id)
    *_, timer = world.queued("timers")
    assert (timer["body"]["step"], timer["delay"]) == (1, 0)


def test_an_echoed_acceptance_links_both_ids(world) -> None:
    message_id = start(world, WHATSAPP, SMS)
    echo = f"{message_id}:0"
    world.normalize(whatsapp("accepted", wamid=WAMID, aws_id="elsewhere", echo=echo))
    world.normalize(whatsapp("delivered", wamid=WAMID))
    assert world.document(message_id)["status"] == "delivered"


def test_parked_events_hold_no_number(world) -> None:
    world.normalize(whatsapp("failed", wamid=WAMID, code=131026))
    items = world.dynamodb.scan(TableName="provider-message-ids")["Items"]
    assert len(items) == 1
    assert "5550156" not in str(items)
    assert "expires_at" in items[0]


def test_a_send_that_died_before_the_join_is_joined_by_its_repeat(world, monkeypatch) -> None:
    world.normalize(whatsapp("delivered", wamid=WAMID))
    world.normalize(whatsapp("accepted", wamid=WAMID, aws_id=AWS_ID))
    message_id = world.accept(request(WHATSAPP, SMS))

    def die(*_args) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(sending, "link_all", die)
        assert world.start(message_id) != DONE
    assert world.start(message_id) == DONE
    assert len(world.providers["whatsapp"].requests) == 1
    assert world.document(message_id)["steps"][0]["status"] == "delivered"
