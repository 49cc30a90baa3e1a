"""One sender step by step, on tables in memory: what it sends, writes, arms, counts and logs."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from runtime import outcomes, sending
from runtime.channels import CHANNELS
from runtime.channels.channel import Accepted, Ambiguous, Rejected, SendContext
from runtime.domain.message import Message, apply
from runtime.domain.plan import Durations, StepContent, plan_message
from runtime.domain.status import DeliveryEvent, FailureClass, Status
from runtime.sending import Sender, send
from runtime.settings import SenderSettings
from runtime.store import ConflictError, Store, UnavailableError
from runtime.timers import Timer, Timers
from tests.faults.stand_in import DynamoDb
from tests.support.requests import EMAIL, SMS, WHATSAPP, request

T0 = 1_800_000_000_000
ID = "4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10"
URL = {"endpoint_url": "https://provider"}


def refused(code: str, status: int = 400, **more: str) -> ClientError:
    metadata = {"HTTPStatusCode": status}
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": metadata, **more}, "Send")


THROTTLED = refused("ThrottlingException")
OPTED_OUT = refused("ConflictException", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT")


@dataclass
class Bench:
    """A sender, and all that it is in touch with."""

    monkeypatch: pytest.MonkeyPatch
    now: int = T0
    answers: list[Any] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    timers: list[dict[str, Any]] = field(default_factory=list)
    refused_timers: bool = False
    counts: list[tuple[Any, ...]] = field(default_factory=list)
    logs: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store(
            DynamoDb(lambda *_: None), "messages", "payloads", "provider-message-ids"
        )
        settings = SenderSettings(
            messages_table="messages",
            payloads_table="payloads",
            provider_message_ids_table="provider-message-ids",
            timers_queue_url="timers",
            ses_configuration_set="ses-set",
            sms_configuration_set="sms-set",
            sms_max_price="0.50",
            meta_api_version="v99.0",
            whatsapp_phone_numbers={"+12065550199": "phone-1"},
            claim_lease_seconds=45,
            digest_key="k",
            outcome_wait_seconds=3600,
        )
        timers = Timers(self, "timers")
        self.sender = Sender(self.store, timers, settings, self.client, lambda: self.now)
        for meter in (sending.meter, outcomes.meter):
            self.monkeypatch.setattr(meter, "count", self.count)
        for level in ("info", "warning"):
            self.monkeypatch.setattr(sending.logger, level, self.log)

    # The queue.

    def send_message(self, **call: Any) -> None:
        self.timers.append(json.loads(call["MessageBody"]) | {"delay": call["DelaySeconds"]})

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        for entry in call["Entries"]:
            self.send_message(**entry)
        return {"Failed": call["Entries"] if self.refused_timers else []}

    # The provider.

    def client(self, service: str) -> Any:
        self.services.append(service)
        return self

    def __getattr__(self, operation: str) -> Callable[..., dict[str, str]]:
        if not operation.startswith("send_"):
            raise AttributeError(operation)

        def call(**parameters: Any) -> dict[str, str]:
            self.requests.append({"operation": operation} | parameters)
            answer = self.answers.pop(0) if self.answers else None
            if isinstance(answer, Exception):
                raise answer
            number = len(self.requests)
            return answer if answer is not None else {"MessageId": f"p-{number}", "messageId": "w"}

        return call

    # Telemetry.

    def count(self, name: str, value: int = 1, **dimensions: str) -> None:
        self.counts.append((name, dimensions) if value == 1 else (name, dimensions, value))

    def log(self, message: str, **fields: Any) -> None:
        self.logs.append((message, fields))

    # The work.

    def accept(self, *steps: dict[str, Any], **more: Any) -> Message:
        plan = plan_message(
            request(*steps, **more),
            message_id=ID,
            now=self.now,
            durations=Durations(60, 3600, 30),
            split_repairs=lambda channel, body: CHANNELS[channel].split_repairs(body),
        )
        assert self.store.create(plan) is None
        return plan.message

    @property
    def row(self) -> Message:
        row = self.store.read(ID)
        assert row is not None
        return row

    @property
    def has_content(self) -> bool:
        return self.store.read_contents(ID) is not None

    def fire(self, step: int, due_at: int = 0) -> None:
        self.sender.on_timer(Timer(ID, step, due_at))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def timer(step: int, due_at: int, delay: int) -> dict[str, Any]:
    return {"message_id": ID, "step": step, "due_at": due_at, "delay": delay}


def test_a_step_that_was_taken_is_written_counted_and_logged(bench) -> None:
    bench.accept(EMAIL, SMS)
    bench.now += 7
    bench.sender.start(ID)
    step = bench.row.steps[0]
    assert (step.status, step.provider_message_id) == ("accepted", "p-1")
    assert step.times == {"queued": T0, "accepted": T0 + 7}
    assert (step.attempt, step.lease_until) == (1, T0 + 7 + 45_000)
    assert bench.timers == [timer(1, T0 + 60_007, 60)]
    assert bench.row.steps[1].due_at == T0 + 60_007
    assert bench.services == ["sesv2"]
    assert bench.counts == [
        ("MessagesSent", {"channel": "email"}),
        # A value for the alarm to compare with, until the first event comes.
        ("EventsApplied", {"channel": "email"}, 0),
    ]
    assert bench.logs == [
        (
            "step sent",
            {
                "message_id": ID,
                "step": 0,
                "channel": "email",
                "attempt": 1,
                "outcome": "Accepted",
                "reason": None,
            },
        )
    ]
    assert bench.has_content


def test_each_step_says_whose_it_is_and_uses_the_stacks_settings(bench) -> None:
    bench.accept(EMAIL, SMS, WHATSAPP | {"sender": "+12065550199"})
    bench.sender.start(ID)
    bench.now += 60_000
    bench.fire(1)
    bench.now += 60_000
    bench.fire(2)
    mail, text, chat = bench.requests
    assert mail["ConfigurationSetName"] == "ses-set"
    assert {tag["Name"]: tag["Value"] for tag in mail["EmailTags"]} == {
        "message_id": ID,
        "step": "0",
    }
    assert text["ConfigurationSetName"] == "sms-set"
    assert text["MaxPrice"] == "0.50"
    assert text["Context"] == {"message_id": ID, "step": "1"}
    assert chat["metaApiVersion"] == "v99.0"
    assert chat["originationPhoneNumberId"] == "phone-1"
    assert json.loads(chat["message"])["biz_opaque_callback_data"] == f"{ID}:2"
    assert bench.services == ["sesv2", "pinpoint-sms-voice-v2", "socialmessaging"]


@pytest.mark.parametrize("wait", [60, 90])
def test_a_text_lives_until_its_fallback_is_due_and_no_longer(bench, wait) -> None:
    bench.accept(SMS, SMS, fallback_seconds=wait)
    bench.sender.start(ID)
    bench.now += 1000 * wait
    bench.fire(1)
    first, last = bench.requests
    assert first["TimeToLive"] == wait
    # Nothing follows the last one.
    assert "TimeToLive" not in last


def test_a_text_that_is_sent_late_lives_shorter(bench) -> None:
    bench.accept(SMS, EMAIL)
    bench.sender.start(ID)
    row = bench.row
    # Another try of the same step: its fallback is still due when it was.
    bench.store.save(
        row.with_step(0, replace(row.steps[0], status=Status.QUEUED, lease_until=0, times={})),
        bench.now,
    )
    bench.now += 20_500
    bench.fire(0)
    assert [sent["TimeToLive"] for sent in bench.requests] == [60, 39]
    assert len([armed for armed in bench.timers if armed["step"] == 1]) == 1


@pytest.mark.parametrize(
    ("error", "failure_class", "permanent"),
    [
        (OPTED_OUT, "opted_out", True),
        (refused("ValidationException", Reason="COUNTRY_NOT_ENABLED"), "blocked", True),
        (refused("ValidationException"), "content_rejected", None),
        (refused("ServiceQuotaExceededException"), "account", None),
        (refused("ResourceNotFoundException"), "configuration", None),
    ],
)
def test_a_step_that_was_refused_has_failed_and_starts_the_next(
    bench, error, failure_class, permanent
) -> None:
    bench.accept(SMS, EMAIL)
    bench.answers = [error]
    bench.sender.start(ID)
    step = bench.row.steps[0]
    assert (step.status, step.failure_class, step.permanent) == ("failed", failure_class, permanent)
    assert step.times == {"queued": T0, "failed": T0}
    assert bench.timers == [timer(1, T0 + 60_000, 60), timer(1, T0, 0)]
    assert bench.counts == [("MessagesFailed", {"channel": "sms"})]
    ((words, fields),) = bench.logs
    assert (words, fields["outcome"]) == ("step refused", "Rejected")
    assert fields["reason"] == step.failure_reason != ""
    assert bench.has_content


def test_a_last_step_that_was_refused_ends_the_message_and_its_content(bench) -> None:
    bench.accept(SMS, EMAIL)
    bench.answers = [OPTED_OUT, refused("MessageRejected")]
    bench.sender.start(ID)
    bench.timers.clear()
    bench.fire(1, T0)
    assert bench.row.status == "failed"
    assert bench.timers == []
    assert not bench.has_content
    assert ("Fallbacks", {"reason": "failure"}) in bench.counts


@pytest.mark.parametrize("error", [THROTTLED, ConnectTimeoutError(**URL)])
def test_a_step_that_was_not_taken_is_let_go_and_tried_later(bench, error) -> None:
    bench.accept(SMS, EMAIL)
    bench.answers = [error]
    bench.sender.start(ID)
    step = bench.row.steps[0]
    assert (step.status, step.attempt, step.claimed) == ("queued", 1, False)
    assert step.unclear_sends == 0
    retry = bench.timers[-1]
    assert retry["step"] == 0
    assert retry["due_at"] > T0
    # In the row too: the chain's own timers wait for it as well.
    assert step.due_at == retry["due_at"]
    bench.now = retry["due_at"]
    bench.fire(0, retry["due_at"])
    assert bench.row.steps[0].status == "accepted"
    assert [words for words, _ in bench.logs] == ["step not taken", "step sent"]
    assert [fields["attempt"] for _, fields in bench.logs] == [1, 2]


def test_each_try_of_a_throttled_step_waits_longer_up_to_a_bound(bench) -> None:
    waits = []
    bench.accept(SMS, EMAIL, fallback_seconds=86_400)
    bench.answers = [THROTTLED] * 12
    bench.sender.start(ID)
    for _ in range(11):
        retry = bench.timers[-1]
        waits.append(retry["due_at"] - bench.now)
        bench.now = retry["due_at"]
        bench.fire(0, retry["due_at"])
    assert waits == sorted(waits)
    assert waits[0] < waits[3] < waits[5]
    assert waits[-1] == waits[-2] <= 900_000


def test_a_last_step_is_tried_until_no_outcome_is_expected_any_more(bench) -> None:
    bench.accept(SMS, EMAIL)
    bench.sender.start(ID)
    bench.now += 60_000
    bench.answers = [THROTTLED] * 200
    bench.fire(1)
    for _ in range(200):
        if bench.row.steps[1].failed:
            break
        retry = bench.timers[-1]
        bench.now = retry["due_at"]
        bench.fire(1, retry["due_at"])
    step = bench.row.steps[1]
    assert (step.status, step.failure_class) == ("failed", "throttled")
    assert step.failure_reason == "ThrottlingException"
    assert T0 + 3_000_000 < bench.now < T0 + 60_000 + 3_600_000


def test_an_unclear_send_before_a_fallback_is_left_to_it(bench) -> None:
    bench.accept(SMS, EMAIL)
    bench.answers = [ReadTimeoutError(**URL)]
    bench.sender.start(ID)
    assert bench.row.steps[0].in_flight
    assert bench.timers == [timer(1, T0 + 60_000, 60)]
    assert bench.has_content
    assert bench.counts == []
    ((words, fields),) = bench.logs
    assert (words, fields["reason"]) == ("step may be sent", "ReadTimeoutError")


def test_an_unclear_send_of_the_last_step_is_looked_at_after_its_lease(bench) -> None:
    bench.accept(SMS, EMAIL)
    bench.answers = [None, ReadTimeoutError(**URL)]
    bench.sender.start(ID)
    bench.now += 60_000
    bench.fire(1)
    assert bench.timers[-1] == timer(1, T0 + 105_000, 45)
    assert bench.has_content
    assert ("Fallbacks", {"reason": "timeout"}) in bench.counts


def test_a_fallback_counts_once_however_often_it_is_tried(bench) -> None:
    bench.accept(SMS, EMAIL)
    bench.sender.start(ID)
    bench.now += 60_000
    bench.answers = [THROTTLED, THROTTLED]
    bench.fire(1)
    for _ in range(2):
        bench.now = bench.timers[-1]["due_at"]
        bench.fire(1, bench.now)
    assert bench.row.steps[1].attempt == 3
    assert [count for count in bench.counts if count[0] == "Fallbacks"] == [
        ("Fallbacks", {"reason": "timeout"})
    ]


def test_a_retry_on_the_same_channel_is_no_fallback(bench) -> None:
    bench.accept(SMS, EMAIL, on_failure={"account": "retry"})
    bench.answers = [refused("ServiceQuotaExceededException")]
    bench.sender.start(ID)
    assert bench.timers[-1] == timer(1, T0 + 5_000, 5)
    bench.now += 5_000
    bench.fire(1, bench.now)
    assert bench.row.steps[1].status == "accepted"
    assert not [count for count in bench.counts if count[0] == "Fallbacks"]


def test_a_timer_that_is_early_is_armed_anew(bench) -> None:
    bench.accept(SMS, EMAIL, fallback_seconds=1000)
    bench.sender.start(ID)
    bench.now += 900_000
    bench.fire(1, T0 + 1_000_000)
    assert bench.timers[-1] == timer(1, T0 + 1_000_000, 100)
    assert len(bench.requests) == 1


@pytest.mark.parametrize("again", [0, 1])
def test_work_that_was_done_before_is_counted_and_not_done_again(bench, again) -> None:
    bench.accept(SMS, EMAIL)
    bench.sender.start(ID)
    bench.now += 60_000
    bench.fire(1)
    bench.counts.clear()
    bench.timers.clear()
    bench.fire(again)
    # A step that the chain has left is no repeat of anything.
    assert bench.counts == ([("DuplicatesSuppressed", {})] if again else [])
    assert len(bench.requests) == 2
    assert bench.timers == []


def test_a_failure_whose_sender_died_starts_the_next_step(bench) -> None:
    bench.accept(SMS, EMAIL)
    bench.answers = [OPTED_OUT]
    bench.sender.start(ID)
    bench.timers.clear()
    bench.now += 9
    bench.fire(0)
    assert bench.timers == [timer(1, T0 + 9, 0)]


def test_content_that_a_dead_sender_left_is_deleted_by_the_repeat(bench) -> None:
    bench.accept(SMS, EMAIL)
    contents = bench.store.read_contents(ID)
    bench.answers = [OPTED_OUT, refused("MessageRejected")]
    bench.sender.start(ID)
    bench.fire(1, T0)
    assert contents is not None
    assert not bench.has_content
    put_back = {"message_id": {"S": ID}, "content": {"B": b""}}
    bench.store.dynamodb.tables["payloads"][ID] = put_back
    bench.fire(1, T0)
    assert ID not in bench.store.dynamodb.tables["payloads"]


def test_a_timer_of_a_step_that_was_never_tried_deletes_nothing(bench) -> None:
    bench.accept(SMS, EMAIL)
    row = bench.row
    bench.store.save(replace(row, cancelled_at=T0), T0)
    bench.fire(1)
    assert bench.has_content
    assert bench.requests == []


def test_a_step_whose_content_is_gone_fails(bench) -> None:
    bench.accept(SMS, EMAIL)
    bench.store.delete_content(ID)
    bench.sender.start(ID)
    step = bench.row.steps[0]
    assert (step.status, step.failure_class) == ("failed", "expired")
    assert step.failure_reason == "content is no longer stored"
    assert bench.requests == []


def test_a_broadcast_starts_each_main_step_by_a_timer_of_its_own(bench) -> None:
    bench.accept(SMS, EMAIL, SMS, use_case="broadcast", on_failure={"expired": "retry"})
    bench.sender.start(ID)
    mains = bench.row.mains
    assert len(mains) == 3
    assert bench.timers == [timer(step, T0, 0) for step in mains[1:]]
    assert [sent["operation"] for sent in bench.requests] == ["send_text_message"]


def test_a_broadcast_whose_timers_are_refused_sends_nothing_yet(bench) -> None:
    bench.accept(SMS, EMAIL, use_case="broadcast")
    bench.refused_timers = True
    with pytest.raises(UnavailableError, match=ID):
        bench.sender.start(ID)
    assert bench.requests == []


def test_what_has_no_row_any_more_is_logged_and_left(bench) -> None:
    bench.sender.start(ID)
    bench.fire(1)
    assert bench.logs == [
        ("no row for this message", {"message_id": ID}),
        ("no row for this timer", {"message_id": ID}),
    ]
    assert bench.timers == bench.requests == []


def conflicting(bench: Bench, times: int) -> list[int]:
    """Have so many writes of rows come second; return the list of all tries."""
    tries: list[int] = []
    save = Store.save

    def second(store: Store, message: Message, now: int) -> Message:
        tries.append(message.version)
        if len(tries) <= times:
            raise ConflictError(message.message_id)
        return save(store, message, now)

    bench.monkeypatch.setattr(Store, "save", second)
    return tries


@pytest.mark.parametrize("times", [1, 5, 9])
def test_a_claim_that_came_second_is_decided_anew(bench, times) -> None:
    bench.accept(SMS, EMAIL)
    conflicting(bench, times)
    bench.sender.start(ID)
    assert len(bench.requests) == 1
    assert bench.row.steps[0].attempt == 1


def test_a_row_in_conflict_all_the_time_goes_back_to_the_queue(bench) -> None:
    bench.accept(SMS, EMAIL)
    tries = conflicting(bench, 1000)
    with pytest.raises(ConflictError, match=ID):
        bench.sender.start(ID)
    assert bench.requests == []
    assert 3 <= len(tries) <= 20


def test_a_result_that_came_second_is_written_on_the_row_as_it_is(bench) -> None:
    bench.accept(EMAIL, SMS)
    save = Store.save
    tries: list[int] = []

    def second(store: Store, message: Message, now: int) -> Message:
        tries.append(message.version)
        if len(tries) in (2, 3):
            # The normalizer was faster, with an event of this very send.
            current = bench.row
            first = current.steps[0]
            times = {**first.times, Status.SENT: T0 + len(tries)}
            save(store, current.with_step(0, replace(first, times=times)), now)
            raise ConflictError(message.message_id)
        return save(store, message, now)

    bench.monkeypatch.setattr(Store, "save", second)
    bench.sender.start(ID)
    step = bench.row.steps[0]
    assert (step.status, step.provider_message_id) == ("accepted", "p-1")
    assert step.times["sent"] == T0 + 3
    assert len(bench.requests) == 1


def test_a_result_that_cannot_be_written_brings_the_record_back(bench) -> None:
    bench.accept(EMAIL, SMS)
    save = Store.save
    tries: list[int] = []

    def never_again(store: Store, message: Message, now: int) -> Message:
        tries.append(message.version)
        if len(tries) > 1:
            raise ConflictError("of the store")
        return save(store, message, now)

    bench.monkeypatch.setattr(Store, "save", never_again)
    with pytest.raises(ConflictError, match=ID):
        bench.sender.start(ID)
    assert 3 <= len(tries) <= 20
    assert len(bench.requests) == 1


def test_a_claim_whose_answer_was_lost_is_ones_own(bench) -> None:
    bench.accept(EMAIL, SMS)
    save = Store.save
    tries: list[int] = []

    def lost(store: Store, message: Message, now: int) -> Message:
        saved = save(store, message, now)
        tries.append(saved.version)
        if len(tries) == 1:
            raise ConflictError(message.message_id)
        return saved

    bench.monkeypatch.setattr(Store, "save", lost)
    bench.sender.start(ID)
    assert len(bench.requests) == 1
    assert (bench.row.steps[0].status, bench.row.steps[0].attempt) == ("accepted", 1)


def test_a_row_that_vanishes_under_a_sender_brings_the_record_back(bench) -> None:
    bench.accept(EMAIL, SMS)

    def gone(_: Store, message: Message, __: int) -> Message:
        bench.store.dynamodb.tables["messages"].clear()
        raise ConflictError("of the store")

    bench.monkeypatch.setattr(Store, "save", gone)
    with pytest.raises(ConflictError, match=ID):
        bench.sender.start(ID)
    assert bench.requests == []


def test_a_success_that_deleted_the_content_leaves_nothing_to_send(bench) -> None:
    bench.accept(EMAIL, SMS)
    bench.sender.start(ID)
    bench.now += 60_000
    stale = bench.row
    delivered = DeliveryEvent("email", Status.DELIVERED, "d", step=0, occurred_at=T0)
    bench.store.save(apply(stale, [delivered]), bench.now)
    bench.store.delete_content(ID)
    read = Store.read
    answers = [stale]
    bench.monkeypatch.setattr(
        Store, "read", lambda store, id_: answers.pop() if answers else read(store, id_)
    )
    bench.fire(1)
    assert bench.row.status == "delivered"
    assert bench.row.steps[1].attempt == 0
    assert len(bench.requests) == 1


def test_a_whatsapp_id_is_linked_and_what_waited_for_it_is_applied(bench) -> None:
    bench.accept(WHATSAPP, SMS, fallback_seconds=60)
    failed = DeliveryEvent(
        "whatsapp",
        Status.FAILED,
        "failed",
        provider_message_id="w",
        failure_class=FailureClass.UNREACHABLE,
        permanent=True,
        occurred_at=T0,
    )
    bench.store.park("w", failed, T0)
    bench.sender.start(ID)
    step = bench.row.steps[0]
    assert (step.status, step.failure_class, step.permanent) == ("failed", "unreachable", True)
    assert bench.timers[-1] == timer(1, T0, 0)
    assert bench.counts == [
        ("MessagesSent", {"channel": "whatsapp"}),
        ("EventsApplied", {"channel": "whatsapp"}, 0),
        ("MessagesFailed", {"channel": "whatsapp"}),
        ("EventsApplied", {"channel": "whatsapp"}),
    ]
    assert bench.store.find_links(["w"])[0] == {"w": (ID, 0)}


def test_mail_and_texts_need_no_link(bench) -> None:
    bench.accept(EMAIL, SMS)
    bench.sender.start(ID)
    bench.now += 60_000
    bench.fire(1)
    assert bench.store.dynamodb.tables["provider-message-ids"] == {}


CONTEXT = SendContext(ID, 0, None, "", "", "", "v99.0")
TEXT = StepContent("sms", "+12065550100", "+14255550156", {"message": "Hi"})


def answering(answer: Any) -> Callable[[str], Any]:
    class Client:
        def send_text_message(self, **_: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

    return lambda _: Client()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"MessageId": "p"}, Accepted("p")),
        ({"MessageId": ""}, Ambiguous("no message id")),
        ({}, Ambiguous("no message id")),
        (KeyError("x"), Ambiguous("KeyError")),
        (
            refused("ResourceNotFoundException"),
            Rejected(FailureClass.CONFIGURATION, "ResourceNotFoundException"),
        ),
    ],
)
def test_one_attempt_has_one_outcome(answer, outcome) -> None:
    assert send(CHANNELS["sms"], answering(answer), TEXT, CONTEXT) == outcome


def test_a_request_that_cannot_be_made_is_a_fault_of_the_configuration(monkeypatch) -> None:
    errors: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        sending, "log_error", lambda words, error, **more: errors.append((words, error, more))
    )
    without = replace(TEXT, body={"media_urls": 3})
    outcome = send(CHANNELS["sms"], answering({}), without, CONTEXT)
    assert outcome == Rejected(FailureClass.CONFIGURATION, "TypeError")
    # The function's own botocore may be older than the operation.
    older = send(CHANNELS["sms"], lambda _: object(), TEXT, CONTEXT)
    assert older == Rejected(FailureClass.CONFIGURATION, "AttributeError")
    send(CHANNELS["sms"], answering(KeyError("x")), TEXT, CONTEXT)
    assert [(words, type(error).__name__, more) for words, error, more in errors] == [
        ("request not made", "TypeError", {"message_id": ID}),
        ("request not made", "AttributeError", {"message_id": ID}),
        ("answer not read", "KeyError", {"message_id": ID}),
    ]
